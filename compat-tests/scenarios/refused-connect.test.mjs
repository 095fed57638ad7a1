import assert from "node:assert/strict";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("an unknown namespace is refused", async (t, way) => {
  const socket = open(t, `${server.url}/unknown`, way);
  const [error] = await once(socket, way.refusal);
  assert.equal(error.message, "Invalid namespace");
  assert.equal(error.data, undefined);
  assert.equal(socket.connected, false);
  if (way.since("4.4")) {
    assert.equal(socket.active, false, "the client must not try again by itself");
  }
});

scenario("a namespace is compared with its query string", { from: "3.0" }, async (t, way) => {
  // Clients before Socket.IO 3 put their credentials there, and the server takes them out.
  const manager = (await connect(t, server.url, way)).io;
  const socket = manager.socket("/chat?room=1");
  const [error] = await once(socket, way.refusal);
  assert.equal(error.message, "Invalid namespace");
});

scenario("a middleware's refusal carries its message and data", async (t, way) => {
  const socket = open(t, `${server.url}/refused`, way, { auth: { word: "now" } });
  const [error] = await once(socket, way.refusal);
  way.old && covers("easy/36");
  const data = { code: 401, hint: ["p", "l", "e"] };
  if (way.old) {
    assert.deepEqual(error, data);
  } else {
    assert.ok(error instanceof Error);
    assert.equal(error.message, "say the word");
    assert.deepEqual(error.data, data);
  }
  assert.equal(socket.connected, false);
});

scenario("credentials in the query let an old client in", { below: "3.0" }, async (t, way) => {
  covers("easy/33 socketio/v2-compatibility/2");
  await connect(t, `${server.url}/refused`, way, { query: { word: "please" } });
});

scenario("a refused client may try again with better credentials", { from: "3.0" }, async (t, way) => {
  const socket = open(t, `${server.url}/refused`, way);
  await once(socket, way.refusal);
  socket.auth = { word: "please" };
  const joined = once(socket, "connect");
  socket.connect();
  await joined;
  assert.match(socket.id, /^[\w-]{20}$/);
});

scenario("a refusal leaves the other namespaces of the connection alone", async (t, way) => {
  const root = await connect(t, server.url, way);
  for (const name of ["/unknown", "/refused"]) {
    const other = root.io.socket(name);
    await once(other, way.refusal);
  }
  assert.deepEqual(await ask(root, "ack", "still here"), ["still here"]);
  assert.equal(root.connected, true);
});
