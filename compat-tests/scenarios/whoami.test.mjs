import assert from "node:assert/strict";
import { ask, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("the server knows a socket as the client does", { from: "2.0" }, async (t, way) => {
  const socket = await settled(t, `${server.url}/chat`, way, { auth: { name: "Ada" }, query: { extra: "1" } });
  await ask(socket, "join", "kitchen");
  assert.deepEqual(await ask(socket, "whoami"), [
    {
      id: socket.id,
      namespace: "/chat",
      rooms: [socket.id, "kitchen"],
      transport: way.settles,
      auth: way.old ? { extra: "1" } : { name: "Ada" },
    },
  ]);
});
