import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, overEachTransport, useServer } from "../lib/suite.mjs";

const server = useServer();

overEachTransport((transport) => {
  test("an unknown namespace is refused", async (t) => {
    const socket = open(t, `${server.url}/unknown`, transport);
    const [error] = await once(socket, "connect_error");
    assert.equal(error.message, "Invalid namespace");
    assert.equal(error.data, undefined);
    assert.equal(socket.connected, false);
    assert.equal(socket.active, false, "the client must not try again by itself");
  });

  test("a namespace is compared with its query string", async (t) => {
    const manager = (await connect(t, server.url, transport)).io;
    const socket = manager.socket("/chat?room=1");
    const [error] = await once(socket, "connect_error");
    assert.equal(error.message, "Invalid namespace");
  });

  test("a middleware's refusal carries its message and data", async (t) => {
    const socket = open(t, `${server.url}/refused`, transport, { auth: { word: "now" } });
    const [error] = await once(socket, "connect_error");
    assert.ok(error instanceof Error);
    assert.equal(error.message, "say the word");
    assert.deepEqual(error.data, { code: 401, hint: ["p", "l", "e"] });
    assert.equal(socket.connected, false);
  });

  test("a refused client may try again with better credentials", async (t) => {
    const socket = open(t, `${server.url}/refused`, transport);
    await once(socket, "connect_error");
    socket.auth = { word: "please" };
    const joined = once(socket, "connect");
    socket.connect();
    await joined;
    assert.match(socket.id, /^[\w-]{20}$/);
  });

  test("a refusal leaves the other namespaces of the connection alone", async (t) => {
    const root = await connect(t, server.url, transport);
    for (const name of ["/unknown", "/refused"]) {
      const other = root.io.socket(name);
      await once(other, "connect_error");
    }
    assert.deepEqual(await ask(root, "ack", "still here"), ["still here"]);
    assert.equal(root.connected, true);
  });
});
