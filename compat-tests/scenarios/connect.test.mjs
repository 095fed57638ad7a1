import assert from "node:assert/strict";
import { test } from "node:test";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, overEachTransport, record, upgraded, useServer } from "../lib/suite.mjs";

const server = useServer();

overEachTransport((transport) => {
  test("a client connects and learns its id", async (t) => {
    const socket = await connect(t, server.url, transport);
    assert.equal(socket.connected, true);
    assert.match(socket.id, /^[\w-]{20}$/);
    assert.notEqual(socket.id, socket.io.engine.id, "the session's id must not be the socket's");
  });

  test("the server announces its limits and its transports", async (t) => {
    const socket = open(t, server.url, transport);
    const [handshake] = await once(socket.io.engine, "handshake");
    assert.deepEqual(Object.keys(handshake), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
    assert.match(handshake.sid, /^[\w-]{20}$/);
    assert.deepEqual(handshake.upgrades, transport.name === "websocket" ? [] : ["websocket"]);
    assert.equal(handshake.pingInterval, 25_000);
    assert.equal(handshake.pingTimeout, 20_000);
    assert.equal(handshake.maxPayload, 1_000_000);
  });

  test("the connection ends up on the best transport allowed", async (t) => {
    const socket = await connect(t, server.url, transport);
    const expected = transport.name === "polling" ? "polling" : "websocket";
    if (expected === "websocket") {
      await upgraded(socket);
    }
    assert.equal(socket.io.engine.transport.name, expected);
    const [who] = await ask(socket, "whoami");
    assert.equal(who.transport, expected);
  });

  test("two connections are two sockets", async (t) => {
    covers("socketio/namespaces/15");
    const [first, second] = await Promise.all([
      connect(t, server.url, transport),
      connect(t, server.url, transport),
    ]);
    assert.notEqual(first.id, second.id);
    assert.notEqual(first.io.engine.id, second.io.engine.id);
  });

  test("a client that left comes back as a new socket", async (t) => {
    const socket = await connect(t, server.url, transport);
    const before = socket.id;
    const gone = once(socket, "disconnect");
    socket.disconnect();
    assert.equal((await gone)[0], "io client disconnect");
    covers("socketio/socket/1");
    const connects = record(socket, "connect");
    socket.connect();
    await connects.next();
    assert.notEqual(socket.id, before);
    assert.deepEqual(await ask(socket, "ack", "again"), ["again"]);
    assert.deepEqual(connects.drain(), [], "it connects once");
  });
});

test("messages of both sides cross the upgrade unharmed", async (t) => {
  const socket = open(t, server.url, { options: {} });
  const back = record(socket, "message-back");
  // Some leave before the connection stands, some while the upgrade is being probed, some after it.
  for (let i = 0; i < 50; i++) {
    socket.emit("message", i);
  }
  await once(socket, "connect");
  for (let i = 50; i < 100; i++) {
    socket.emit("message", i);
  }
  await upgraded(socket);
  for (let i = 100; i < 150; i++) {
    socket.emit("message", i);
  }
  assert.deepEqual((await back.take(150)).map(([i]) => i), Array.from({ length: 150 }, (_, i) => i));
});

