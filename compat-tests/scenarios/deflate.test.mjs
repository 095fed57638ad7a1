// Compressed WebSocket messages (permessage-deflate), with the official client and with Node's ws.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe } from "node:test";
import WebSocket from "ws";
import { once } from "../lib/deadline.mjs";
import { test } from "../lib/results.mjs";
import { ask, connect, record, scenario, upgraded, useServer } from "../lib/suite.mjs";

const server = useServer("-deflate");
const plain = useServer();

const long = "compress me, 🗜 ".repeat(5_000);

/** What a client and its server agreed on. */
async function extensions(socket, way) {
  if (way.settles === "polling") {
    return "";
  }
  await upgraded(socket);
  return socket.io.engine.transport.ws.extensions;
}

scenario("long and short, text and binary come back", { from: "3.0" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "echo");
  const values = [long, "short", Buffer.alloc(100_000, 7), randomBytes(50_000), [long, { deep: Buffer.from(long) }, "€"], ""];
  for (let round = 0; round < 3; round++) {
    for (const value of values) {
      socket.emit("echo", value);
    }
    assert.deepEqual(await back.take(values.length), values.map((value) => [value]));
  }
  assert.deepEqual(await ask(socket, "ack", long, Buffer.from(long)), [long, Buffer.from(long)]);
  assert.equal(await extensions(socket, way), way.settles === "polling" ? "" : "permessage-deflate");
});

scenario("a server that does not compress says so", { from: "3.0" }, async (t, way) => {
  const socket = await connect(t, plain.url, way);
  assert.deepEqual(await ask(socket, "ack", long), [long]);
  assert.equal(await extensions(socket, way), "");
});

scenario("a client that does not compress gets what others get compressed", { from: "3.0" }, async (t, way) => {
  const with_ = await connect(t, server.url, way);
  const without = await connect(t, server.url, way, { perMessageDeflate: false });
  const inboxes = [record(with_, "broadcast"), record(without, "broadcast")];
  await Promise.all([ask(with_, "join", "x"), ask(without, "join", "x")]);
  with_.emit("broadcast", long, Buffer.from(long), "end");
  for (const inbox of inboxes) {
    assert.deepEqual(await inbox.next(), [long, Buffer.from(long), "end"]);
  }
  assert.equal(await extensions(without, way), "");
});

describe("on the wire", () => {
  /** A WebSocket to the echoing engine, and the bytes it has received. */
  async function open(t, perMessageDeflate) {
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/engine.io/?EIO=4&transport=websocket`, { perMessageDeflate });
    t.after(() => ws.terminate());
    await once(ws, "message");
    return ws;
  }

  const offers = [
    true,
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { clientMaxWindowBits: 10 },
    { threshold: 0 },
    { zlibDeflateOptions: { level: 9, memLevel: 1 } },
  ];
  for (const offer of offers) {
    test(`offered ${JSON.stringify(offer)}`, async (t) => {
      const ws = await open(t, offer);
      assert.equal(ws.extensions, "permessage-deflate");
      const noise = randomBytes(100_000);
      for (const message of [`4${long}`, "4", "4short", Buffer.from(long), noise, Buffer.alloc(0)]) {
        const before = ws._socket.bytesRead;
        ws.send(message);
        const [data, binary] = await once(ws, "message");
        assert.deepEqual(binary ? data : data.toString(), message);
        if (message.includes(long)) {
          assert.ok(ws._socket.bytesRead - before < long.length / 20, "the answer is not compressed");
        }
      }
    });
  }

  test("no more than the limit, once inflated", async (t) => {
    const ws = await open(t, true);
    ws.send(Buffer.alloc(1_000_000));
    assert.equal((await once(ws, "message"))[0].length, 1_000_000);
    ws.send(Buffer.alloc(1_000_001));
    const [code] = await once(ws, "close");
    assert.equal(code, 1009);
  });
});
