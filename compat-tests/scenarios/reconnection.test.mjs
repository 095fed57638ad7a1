import assert from "node:assert/strict";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { freePorts } from "../lib/ports.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, connect, connected, record, scenario, settled } from "../lib/suite.mjs";

/** Starts a server on a port that no other process is given while it is away. */
async function startToLeave(flags) {
  const [port] = await freePorts(1);
  return startServer(flags, { port });
}

const eager = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100, randomizationFactor: 0 };

scenario("a client comes back after the server was killed and started again", async (t, way) => {
  let server = await startToLeave(["-eio3"]);
  t.after(() => server.kill());
  const root = await settled(t, server.url, way, eager);
  const chat = root.io.socket("/chat");
  await connected(chat);
  await ask(root, "join", "room");
  const before = root.id;
  const authenticated = record(root, "auth");

  const lost = [once(root, "disconnect"), once(chat, "disconnect")];
  const failed = once(root.io, "reconnect_error");
  await server.kill();
  for (const [reason] of await Promise.all(lost)) {
    assert.equal(reason, way.settles === "polling" ? "transport error" : "transport close");
  }
  if (way.since("4.4")) {
    assert.equal(root.active, true, "the client must try again by itself");
  }
  await failed;
  root.emit("message", "written while nobody listened");
  const back = record(root, "message-back");

  const returned = [once(root, "connect"), once(chat, "connect"), once(root.io, "reconnect")];
  server = await startServer(["-eio3"], { port: server.port });
  await Promise.all(returned);
  assert.notEqual(root.id, before);
  assert.deepEqual(await authenticated.next(), [{}]);
  assert.deepEqual(await back.next(), ["written while nobody listened"]);
  assert.deepEqual(await ask(chat, "ack", "chat is back"), ["chat is back"]);
  assert.deepEqual((await ask(root, "whoami"))[0].rooms, [root.id], "rooms are gone with the old server");
});

scenario("a client comes back when its connection breaks", async (t, way) => {
  const server = await startServer(["-eio3"]);
  t.after(() => server.kill());
  const socket = await connect(t, server.url, way, eager);
  const first = socket.id;
  const again = once(socket, "connect");
  socket.io.engine.close();
  await again;
  assert.notEqual(socket.id, first);
  assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
});

scenario("a client comes back after the server was stopped and started again", async (t, way) => {
  let server = await startToLeave(["-eio3"]);
  t.after(() => server.kill());
  const socket = await connect(t, server.url, way, eager);
  await ask(socket, "ack");
  const lost = once(socket, "disconnect");
  const returned = once(socket.io, "reconnect");
  await server.stop();
  assert.match((await lost)[0], /^transport (close|error)$/);
  server = await startServer(["-eio3"], { port: server.port });
  await returned;
  await connected(socket);
  assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
});

scenario("a client whose server stays away gives up once", { from: "3.0" }, async (t, way) => {
  covers("socketio/socket/2");
  const server = await startToLeave();
  t.after(() => server.kill());
  const socket = await connect(t, server.url, way, { ...eager, reconnectionAttempts: 2 });
  const attempts = record(socket.io, "reconnect_attempt");
  const gaveUp = record(socket.io, "reconnect_failed");
  await server.stop();
  await gaveUp.next();
  assert.equal(attempts.drain().length, 2);
  assert.deepEqual(gaveUp.drain(), []);
});
