import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { target } from "../lib/server.mjs";
import { ask, connect, connected, open, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("no credentials are an empty object", async (t, way) => {
  const socket = open(t, server.url, way);
  const auth = record(socket, "auth");
  assert.deepEqual(await auth.next(), [{}]);
});

scenario("the handshake's credentials reach the server as they are", { from: "3.0" }, async (t, way) => {
  const credentials = { token: "tök€n 🔑", scopes: ["read", "write"], nested: { n: 1.5, yes: true, none: null } };
  const socket = open(t, server.url, way, { auth: credentials });
  const auth = record(socket, "auth");
  assert.deepEqual(await auth.next(), [credentials]);
  const [who] = await ask(socket, "whoami");
  assert.deepEqual(who.auth, credentials);
});

scenario("credentials may be computed for each connection", { from: "4.4" }, async (t, way) => {
  let turn = 0;
  const socket = open(t, server.url, way, { auth: (give) => give({ turn: ++turn }) });
  const auth = record(socket, "auth");
  assert.deepEqual(await auth.next(), [{ turn: 1 }]);
  socket.disconnect().connect();
  assert.deepEqual(await auth.next(), [{ turn: 2 }]);
});

scenario("each namespace has credentials of its own", { from: "3.0" }, async (t, way) => {
  const root = await connect(t, server.url, way, { auth: { who: "root" } });
  const chat = root.io.socket("/chat", { auth: { who: "chat" } });
  await connected(chat);
  assert.deepEqual((await ask(root, "whoami"))[0].auth, { who: "root" });
  assert.deepEqual((await ask(chat, "whoami"))[0].auth, { who: "chat" });
});

// The official server takes them (docs/differences.md).
scenario("credentials that are too large are refused with a reason", { from: target === "node" ? "99.0" : "4.4" }, async (t, way) => {
  const socket = open(t, server.url, way, { auth: { token: "x".repeat(20_000) } });
  const [error] = await once(socket, "connect_error");
  // Over polling the 413 and the answer in the parked GET are on two connections: either may come first.
  const polling = way.transport === "websocket" ? "" : "|xhr post error";
  assert.match(error.message, new RegExp(`^(too much auth data: 20\\d+ bytes, the limit is 16384${polling})$`));
  assert.equal(socket.connected, false);
});
