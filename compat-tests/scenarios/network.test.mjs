// The network between client and server breaks, in every way that a proxy can break it.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { reasonAtServer } from "../lib/parting.mjs";
import { Proxy } from "../lib/proxy.mjs";
import { ask, connect, open, record, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3", "-ping-interval", "500ms", "-ping-timeout", "1s");
const eager = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50, randomizationFactor: 0 };

/** Asserts that a client comes back by itself, and is served. */
async function returns(socket, before) {
  while (!socket.connected || socket.id === before) {
    await once(socket, "connect");
  }
  assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
}

scenario("a connection that is cut is noticed on both sides, and made again", async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const witness = await connect(t, server.url, way);
  const socket = await settled(t, proxy.url, way, eager);
  const { id } = socket;
  const gone = once(socket, "disconnect");
  proxy.interrupt();
  assert.equal((await gone)[0], way.settles === "polling" ? "transport error" : "transport close");
  const reason = await reasonAtServer(witness, id);
  assert.ok(["transport error", "transport close", "ping timeout"].includes(reason), reason);
  proxy.restore();
  await returns(socket, id);
});

scenario("what is emitted while the connection is cut arrives in order, and once", { from: "2.0" }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const socket = await settled(t, proxy.url, way, eager);
  const back = record(socket, "message-back");
  const gone = once(socket, "disconnect");
  proxy.interrupt();
  await gone;
  for (let i = 0; i < 50; i++) {
    socket.emit("message", i, i % 7 === 0 ? Buffer.from([i]) : "text");
  }
  proxy.restore();
  assert.deepEqual((await back.take(50)).map(([i]) => i), Array.from({ length: 50 }, (_, i) => i));
  await ask(socket, "ack");
  assert.deepEqual(back.drain(), []);
});

scenario("a network that swallows everything is a ping timeout on both sides", { from: "3.0" }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const witness = await connect(t, server.url, way);
  const socket = await settled(t, proxy.url, way, eager);
  const { id } = socket;
  const gone = once(socket, "disconnect");
  proxy.stall();
  assert.equal((await gone)[0], "ping timeout");
  assert.equal(await reasonAtServer(witness, id), "ping timeout");
  proxy.restore();
  await returns(socket, id);
});

scenario("a slow network delays, and changes nothing", { newest: true }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  proxy.delay = 30;
  const socket = await connect(t, proxy.url, way);
  const back = record(socket, "message-back");
  for (let i = 0; i < 100; i++) {
    socket.emit("message", i, i % 10 === 0 ? Buffer.from([i]) : "text");
  }
  assert.deepEqual((await back.take(100)).map(([i]) => i), Array.from({ length: 100 }, (_, i) => i));
});

scenario("a connection that is half closed is given up", { transports: ["websocket", "upgrade"] }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const witness = await connect(t, server.url, way);
  const socket = await settled(t, proxy.url, way, eager);
  const { id } = socket;
  const gone = once(socket, "disconnect");
  for (const link of proxy.links) {
    link.server.end();
  }
  await gone;
  const reason = await reasonAtServer(witness, id);
  assert.ok(["transport error", "transport close", "ping timeout"].includes(reason), reason);
  await returns(socket, id);
});

for (const [where, hook] of [["server", "onRequest"], ["client", "onAnswer"]]) {
  scenario(`bytes that are spoiled on their way to the ${where} cost the connection, and nobody else's`, { from: "2.0" }, async (t, way) => {
    const proxy = await Proxy.start(t, server);
    const witness = await connect(t, server.url, way);
    const socket = await settled(t, proxy.url, way, eager);
    const { id } = socket;
    const gone = once(socket, "disconnect");
    proxy[hook] = (link, chunk) => {
      proxy[hook] = (_, next) => next;
      const spoiled = Buffer.from(chunk);
      spoiled[0] ^= 0x7f; // a reserved opcode, or a method or a version that does not exist
      return spoiled;
    };
    socket.emit("message", "to be spoiled");
    await gone;
    await returns(socket, id);
    assert.deepEqual(await ask(witness, "ack", "unharmed"), ["unharmed"]);
  });
}

const steps = {
  "before it is answered": (link) => link.isWebSocket,
  "before the probe is answered": (link) => link.isWebSocket && link.answers > 0,
};
for (const [step, reached] of Object.entries(steps)) {
  scenario(`an upgrade that is cut ${step} leaves the connection where it was`, { transports: ["upgrade"] }, async (t, way) => {
    const proxy = await Proxy.start(t, server);
    let cuts = 0;
    proxy.onRequest = (link, chunk) => {
      if (!reached(link)) {
        return chunk;
      }
      cuts++;
      link.cut();
    };
    const socket = open(t, proxy.url, way);
    const failed = once(socket.io.engine, "upgradeError");
    const back = record(socket, "message-back");
    for (let i = 0; i < 20; i++) {
      socket.emit("message", i);
    }
    await failed;
    for (let i = 20; i < 40; i++) {
      socket.emit("message", i);
    }
    assert.deepEqual((await back.take(40)).map(([i]) => i), Array.from({ length: 40 }, (_, i) => i));
    assert.equal(socket.io.engine.transport.name, "polling");
    assert.ok(cuts > 0);
    assert.deepEqual(await ask(socket, "ack", "stands"), ["stands"]);
  });
}

scenario("an upgrade that is cut at its last step costs the connection, which is made again", { from: "2.0", transports: ["upgrade"] }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const probed = new Set();
  proxy.onAnswer = (link, chunk) => {
    if (link.isWebSocket && chunk.includes("3probe")) {
      probed.add(link);
    }
    return chunk;
  };
  let cuts = 0;
  proxy.onRequest = (link, chunk) => {
    if (!probed.has(link) || cuts > 0) {
      return chunk;
    }
    cuts++; // that was the upgrade packet
    link.cut();
  };
  const socket = open(t, proxy.url, way, eager);
  let id;
  socket.once("connect", () => (id = socket.id));
  await once(socket, "disconnect");
  assert.equal(cuts, 1);
  await returns(socket, id);
});

scenario("attempts to come back are counted, and made until the server is there", { from: "3.0" }, async (t, way) => {
  const proxy = await Proxy.start(t, server);
  const socket = await settled(t, proxy.url, way, eager);
  const attempts = [];
  socket.io.on("reconnect_attempt", (n) => attempts.push(n));
  const returned = once(socket.io, "reconnect");
  const errors = record(socket.io, "reconnect_error");
  proxy.interrupt();
  await errors.take(4);
  proxy.restore();
  const [n] = await returned;
  assert.equal(n, attempts.at(-1));
  assert.deepEqual(attempts, Array.from({ length: n }, (_, i) => i + 1));
});
