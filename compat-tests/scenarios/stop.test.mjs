import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { startServer, target } from "../lib/server.mjs";
import { ask, connect, scenario } from "../lib/suite.mjs";

scenario("a server that is asked to end lets its clients go and ends well", async (t, way) => {
  const server = await startServer(["-eio3"]);
  t.after(() => server.kill());
  const socket = await connect(t, server.url, way, { reconnection: true, reconnectionDelay: 10 }); // it may be upgrading
  await ask(socket, "ack");
  const gone = once(socket, "disconnect");
  const tries = once(way.since("3.0") ? socket.io : socket, "reconnect_attempt");
  const ended = await server.stop();
  const [reason] = await gone;
  assert.match(reason, target === "go" ? /^transport close$/ : /^transport (close|error)$/); // ours drains its clients
  await tries;
  assert.deepEqual(ended, { code: 0, signal: null });
});
