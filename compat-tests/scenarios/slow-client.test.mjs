import assert from "node:assert/strict";
import { Engine } from "../lib/engine.mjs";
import { connectRaw } from "../lib/raw-client.mjs";
import { ask, connect, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");
const engine = new Engine(server, "/socket.io/");

scenario("a client that does not read keeps nobody waiting", { usual: true }, async (t, way) => {
  const stalled = await connectRaw(t, engine, "/chat");
  stalled.websocket.pause();
  const sockets = await Promise.all([1, 2].map(() => connect(t, `${server.url}/chat`, way)));
  const heard = sockets.map((socket) => record(socket, "broadcast"));

  // More than fits between two sockets, and more than a server should keep for one client.
  const data = "x".repeat(500_000);
  for (let i = 0; i < 40; i++) {
    sockets[0].emit("broadcast", i, data);
    for (const inbox of heard) {
      assert.deepEqual(await inbox.next(), [i, data]);
    }
  }
  assert.deepEqual(await ask(sockets[1], "ack", "alive"), ["alive"]);
});
