import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, overEachTransport, upgraded, useServer } from "../lib/suite.mjs";

const server = useServer();

overEachTransport((transport) => {
  test("the server knows a socket as the client does", async (t) => {
    const socket = await connect(t, `${server.url}/chat`, transport, { auth: { name: "Ada" }, query: { extra: "1" } });
    if (transport.name !== "polling") {
      await upgraded(socket);
    }
    await ask(socket, "join", "kitchen");
    assert.deepEqual(await ask(socket, "whoami"), [
      {
        id: socket.id,
        namespace: "/chat",
        rooms: [socket.id, "kitchen"],
        transport: transport.name === "polling" ? "polling" : "websocket",
        auth: { name: "Ada" },
      },
    ]);
  });
});
