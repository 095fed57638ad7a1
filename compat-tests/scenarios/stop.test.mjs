import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, scenario, settled } from "../lib/suite.mjs";

scenario("a server that is asked to end lets its clients go and ends well", async (t, way) => {
  const server = await startServer(["-eio3"]);
  t.after(() => server.kill());
  const socket = await settled(t, server.url, way);
  await ask(socket, "ack");
  const gone = once(socket, "disconnect");
  const ended = await server.stop();
  const [reason] = await gone;
  assert.match(reason, /^transport (close|error)$/);
  assert.deepEqual(ended, { code: 0, signal: null });
});
