import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, connect, overEachTransport, upgraded } from "../lib/suite.mjs";

overEachTransport((transport) => {
  test("a server that is asked to end lets its clients go and ends well", async (t) => {
    const server = await startServer();
    t.after(() => server.kill());
    const socket = await connect(t, server.url, transport);
    if (transport.name !== "polling") {
      await upgraded(socket);
    }
    await ask(socket, "ack");
    const gone = once(socket, "disconnect");
    const ended = await server.stop();
    const [reason] = await gone;
    assert.match(reason, /^transport (close|error)$/);
    assert.deepEqual(ended, { code: 0, signal: null });
  });
});
