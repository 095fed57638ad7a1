import assert from "node:assert/strict";
import { within } from "../lib/deadline.mjs";
import { ask, connect, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3", "-ping-interval", "100ms", "-ping-timeout", "2s");

scenario("a client that only answers pings stays", async (t, way) => {
  const socket = await connect(t, server.url, way);
  // Before Socket.IO 3 the client asks and the server answers.
  const { engine } = socket.io;
  let beats = 0;
  const enough = new Promise((resolve) => {
    const beat = () => ++beats === 5 && resolve();
    if (way.old) {
      engine.on("pong", beat);
    } else {
      engine.on("packet", ({ type }) => type === "ping" && beat());
    }
  });
  await within(enough, "five heartbeats");
  assert.equal(socket.connected, true);
  assert.deepEqual(await ask(socket, "ack", "here"), ["here"]);
});
