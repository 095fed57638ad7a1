import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, overEachTransport, useServer } from "../lib/suite.mjs";

const server = useServer("-path", "/api/live/");

overEachTransport((transport) => {
  test("the server answers under another path", async (t) => {
    const socket = await connect(t, `${server.url}/chat`, transport, { path: "/api/live" });
    assert.deepEqual(await ask(socket, "ack", "there"), ["there"]);
  });

  test("the usual path is then nobody's", async (t) => {
    const socket = open(t, server.url, transport);
    const [error] = await once(socket, "connect_error");
    assert.match(error.message, /xhr poll error|websocket error/);
  });
});
