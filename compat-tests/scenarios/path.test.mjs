import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3", "-path", "/api/live/");

scenario("the server answers under another path", async (t, way) => {
  const socket = await connect(t, `${server.url}/chat`, way, { path: "/api/live" });
  assert.deepEqual(await ask(socket, "ack", "there"), ["there"]);
});

scenario("the usual path is then nobody's", async (t, way) => {
  const socket = open(t, server.url, way);
  const [error] = await once(socket, "connect_error");
  assert.match(error.message, /xhr poll error|websocket error/);
});
