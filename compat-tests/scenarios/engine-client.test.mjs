// The official Engine.IO client on the bare engine, which echoes: the client's side of what the official tests of the engine ask for.
// Those of our engine hold the server's side.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe } from "node:test";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { Inbox } from "../lib/inbox.mjs";
import { test } from "../lib/results.mjs";
import { startServer } from "../lib/server.mjs";
import { useServer } from "../lib/suite.mjs";

const require = createRequire(import.meta.url);

/** The Engine.IO client below a Socket.IO client. */
const below = (name) => createRequire(require.resolve(name))("engine.io-client").Socket;
const newest = below("socket.io-client");
const old = below("socket.io-client-v2");

const ids = (prefix, polling, websocket) => ({ polling: `${prefix}/${polling}`, websocket: `${prefix}/${websocket}` });

const server = useServer();

/** A client of url that ends with the test, and what it hears. */
function dial(t, url, options, Client = newest) {
  const socket = new Client(url, options);
  t.after(() => socket.close());
  socket.heard = new Inbox("messages");
  socket.on("message", (data) => socket.heard.push(data));
  return socket;
}

/** As dial, when it is open. */
async function open(t, url, options, Client) {
  const socket = dial(t, url, options, Client);
  await once(socket, "open");
  return socket;
}

for (const transport of ["polling", "websocket"]) {
  const options = { transports: [transport] };

  test(`text arrives, in order and one by one, over ${transport}`, async (t) => {
    covers(ids("engine/server/messages", 2, 7)[transport]);
    covers("engine/server/messages/20");
    const socket = await open(t, server.url, options);
    for (const text of ["a", "b", "c", "石室詩士施氏嗜獅誓食十獅", "氏時時適市視獅"]) {
      socket.send(text);
      assert.equal(await socket.heard.next(), text);
    }
    const gone = once(socket, "close");
    socket.close();
    await gone;
    assert.deepEqual(socket.heard.drain(), []);
  });

  test(`binary arrives as the bytes that it is, over ${transport}`, async (t) => {
    covers(transport === "polling" ? "engine/server/messages/13" : "engine/server/messages/9 engine/server/messages/10 engine/server/messages/11 engine/server/messages/12");
    const socket = await open(t, server.url, options);
    const numbers = Int32Array.of(1, -2, 2 ** 30);
    for (const data of [Int8Array.of(0, 1, -1), numbers, numbers.buffer, Buffer.from([0, 1, 255])]) {
      socket.send(data);
      const bytes = ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
      const got = await socket.heard.next();
      assert.ok(Buffer.isBuffer(got));
      assert.deepEqual(got, bytes);
    }
  });

  test(`binary arrives as an ArrayBuffer when that is asked for, over ${transport}`, async (t) => {
    covers(ids("engine/server/messages", 17, 14)[transport]);
    const socket = await open(t, server.url, options);
    socket.binaryType = "arraybuffer";
    socket.send(Buffer.from([1, 2, 3]));
    const got = await socket.heard.next();
    assert.ok(got instanceof ArrayBuffer);
    assert.deepEqual([...new Uint8Array(got)], [1, 2, 3]);
  });

  test(`the client's buffer keeps what was sent until it is out, over ${transport}`, async (t) => {
    covers(ids("engine/server/send", 1, 2)[transport]);
    const socket = await open(t, server.url, options);
    socket.send("a");
    socket.send("b");
    assert.equal(socket.writeBuffer.length, 2);
    await once(socket, "drain");
    assert.equal(socket.writeBuffer.length, 0);
  });

  test(`the client's callbacks run in order, also within one payload, over ${transport}`, async (t) => {
    covers(ids("engine/server/send", 3, 4)[transport]);
    covers(ids("engine/server/send", 5, 6)[transport]);
    const socket = await open(t, server.url, options);
    const order = new Inbox("callbacks");
    for (let i = 0; i < 3; i++) {
      socket.send(String(i), () => order.push(i));
      assert.equal(await order.next(), i);
    }
    for (let i = 0; i < 5; i++) {
      socket.send(String(i), () => order.push(i));
    }
    for (let i = 0; i < 5; i++) {
      assert.equal(await order.next(), i);
    }
  });

  test(`the client closes, over ${transport}`, async (t) => {
    covers(ids("engine/server/close", 10, 11)[transport]);
    const socket = await open(t, server.url, options);
    const gone = once(socket, "close");
    socket.close();
    assert.equal((await gone)[0], "forced close");
  });

  test(`the client closes before it is open, over ${transport}`, async (t) => {
    covers(ids("engine/server/close", 27, 26)[transport]);
    const socket = dial(t, server.url, options);
    const gone = once(socket, "close");
    socket.close();
    assert.equal((await gone)[0], "forced close");
  });

  test(`the server closes, over ${transport}`, async (t) => {
    covers(ids("engine/server/close", 7, 8)[transport]);
    const socket = await open(t, server.url, { ...options, path: "/socket.io/" });
    const gone = once(socket, "close");
    socket.send("0"); // into Socket.IO's main namespace
    socket.send('2["close"]');
    assert.equal((await gone)[0], "transport close");
  });

  test(`what was not sent can be seen when the connection closes, and is gone soon after, over ${transport}`, async (t) => {
    covers("engine/server/close/2");
    const socket = await open(t, server.url, options);
    const seen = new Promise((resolve) => socket.once("close", () => resolve(socket.writeBuffer.length)));
    socket.send("a");
    socket.transport.close();
    assert.equal(await seen, 1);
    assert.equal(socket.writeBuffer.length, 0);
  });
}

test("a client that closes while it upgrades has no error", async (t) => {
  covers("engine/server/handshake/18 engine/server/close/13");
  const socket = await open(t, server.url);
  assert.equal(socket.transport.name, "polling"); // where it begins
  socket.on("error", (error) => assert.fail(error));
  const gone = once(socket, "close");
  socket.close();
  assert.equal((await gone)[0], "forced close");
});

describe("heartbeats", () => {
  const interval = 300;
  const timeout = 200;
  const flags = ["-ping-interval", `${interval}ms`, "-ping-timeout", `${timeout}ms`, "-eio3"];
  const quick = useServer(...flags);
  // A little less than the least, for clocks that are rounded.
  const least = interval + timeout - 5;

  for (const [name, Client, id] of [
    ["of protocol 3", old, 20],
    ["of protocol 4", newest, 21],
  ]) {
    test(`a client ${name} waits for its silent server, and no longer`, async (t) => {
      covers(`engine/server/close/5 engine/server/close/17 engine/server/close/18 engine/server/close/${id}`);
      const frozen = await startServer(flags);
      t.after(() => frozen.kill());
      const socket = await open(t, frozen.url, { transports: ["websocket"] }, Client);
      const began = Date.now();
      await frozen.freeze();
      const [reason] = await once(socket, "close");
      assert.equal(reason, "ping timeout");
      assert.ok(Date.now() - began >= least, `after ${Date.now() - began} ms`);
    });
  }

  test("neither side hears the other", async (t) => {
    covers("engine/server/close/6");
    const socket = await open(t, quick.url, { transports: ["polling"] });
    socket.transport.off(); // of its close packet, which comes at about the same time, too
    const [reason] = await once(socket, "close");
    assert.equal(reason, "ping timeout");
  });

  test("a client that does not answer is sent away before it would go by itself", async (t) => {
    covers("engine/server/close/19");
    const socket = await open(t, quick.url, { transports: ["websocket"] });
    const send = socket._sendPacket;
    socket._sendPacket = (type, ...rest) => type === "pong" || send.call(socket, type, ...rest);
    const [reason] = await once(socket, "close");
    assert.equal(reason, "transport close");
  });
});
