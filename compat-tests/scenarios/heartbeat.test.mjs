import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { ask, connect, overEachTransport, useServer } from "../lib/suite.mjs";

const server = useServer("-ping-interval", "100ms", "-ping-timeout", "2s");

overEachTransport((transport) => {
  test("a client that only answers pings stays", async (t) => {
    const socket = await connect(t, server.url, transport);
    for (let i = 0; i < 5; i++) {
      await once(socket.io, "ping");
    }
    assert.equal(socket.connected, true);
    assert.deepEqual(await ask(socket, "ack", "here"), ["here"]);
  });
});
