import assert from "node:assert/strict";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, record, scenario, settled, upgraded, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("a client connects and learns its id", async (t, way) => {
  way.old && covers("easy/36 socketio/v2-compatibility/1");
  const socket = await connect(t, server.url, way);
  assert.equal(socket.connected, true);
  assert.match(socket.id, /^[\w-]{20}$/);
  // Since Socket.IO 3 the id of a session, which lets one speak for it, is not the socket's, which others may see.
  assert.equal(socket.id === socket.io.engine.id, way.old);
  const [who] = await ask(socket, "whoami");
  assert.equal(who.namespace, "/");
  assert.equal(who.id, socket.id);
  assert.deepEqual(who.rooms, [socket.id]);
});

scenario("the server announces its limits and its transports", async (t, way) => {
  const socket = open(t, server.url, way);
  const [handshake] = await once(socket.io.engine, "handshake");
  assert.deepEqual(Object.keys(handshake), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
  assert.match(handshake.sid, /^[\w-]{20}$/);
  assert.deepEqual(handshake.upgrades, way.transport === "websocket" ? [] : ["websocket"]);
  assert.equal(handshake.pingInterval, 25_000);
  assert.equal(handshake.pingTimeout, 20_000);
  assert.equal(handshake.maxPayload, 1_000_000);
});

scenario("the connection ends up on the best transport allowed", async (t, way) => {
  const socket = await settled(t, server.url, way);
  assert.equal(socket.io.engine.transport.name, way.settles);
  const [who] = await ask(socket, "whoami");
  assert.equal(who.transport, way.settles);
});

scenario("nothing is lost or doubled while the connection upgrades", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const echo = record(socket, "echo");
  for (let i = 0; i < 200; i++) {
    socket.emit("echo", i, i % 10 === 0 ? Buffer.from([i]) : "x");
    if (i % 20 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  for (let i = 0; i < 200; i++) {
    assert.equal((await echo.next())[0], i);
  }
});

scenario("two connections are two sockets", async (t, way) => {
  covers("socketio/namespaces/15");
  const [first, second] = await Promise.all([
    connect(t, server.url, way),
    connect(t, server.url, way),
  ]);
  assert.notEqual(first.id, second.id);
  assert.notEqual(first.io.engine.id, second.io.engine.id);
});

scenario("a client that left comes back as a new socket", { from: "4.4" }, async (t, way) => {
  covers("socketio/socket/1");
  const socket = await connect(t, server.url, way);
  const before = socket.id;
  const gone = once(socket, "disconnect");
  socket.disconnect();
  assert.equal((await gone)[0], "io client disconnect");
  const connects = record(socket, "connect");
  socket.connect();
  await connects.next();
  assert.notEqual(socket.id, before);
  assert.deepEqual(await ask(socket, "ack", "again"), ["again"]);
  assert.deepEqual(connects.drain(), [], "it connects once");
});

scenario("messages of both sides cross the upgrade unharmed", { transports: ["upgrade"] }, async (t, way) => {
  const socket = open(t, server.url, way);
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

