import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, connected, open, overEachTransport, record, useServer } from "../lib/suite.mjs";

const server = useServer();

overEachTransport((transport) => {
  test("no credentials are an empty object", async (t) => {
    const socket = open(t, server.url, transport);
    const auth = record(socket, "auth");
    assert.deepEqual(await auth.next(), [{}]);
  });

  test("the handshake's credentials reach the server as they are", async (t) => {
    const credentials = { token: "tök€n 🔑", scopes: ["read", "write"], nested: { n: 1.5, yes: true, none: null } };
    const socket = open(t, server.url, transport, { auth: credentials });
    const auth = record(socket, "auth");
    assert.deepEqual(await auth.next(), [credentials]);
    const [who] = await ask(socket, "whoami");
    assert.deepEqual(who.auth, credentials);
  });

  test("credentials may be computed for each connection", async (t) => {
    let turn = 0;
    const socket = open(t, server.url, transport, { auth: (give) => give({ turn: ++turn }) });
    const auth = record(socket, "auth");
    assert.deepEqual(await auth.next(), [{ turn: 1 }]);
    socket.disconnect().connect();
    assert.deepEqual(await auth.next(), [{ turn: 2 }]);
  });

  test("each namespace has credentials of its own", async (t) => {
    const root = await connect(t, server.url, transport, { auth: { who: "root" } });
    const chat = root.io.socket("/chat", { auth: { who: "chat" } });
    await connected(chat);
    assert.deepEqual((await ask(root, "whoami"))[0].auth, { who: "root" });
    assert.deepEqual((await ask(chat, "whoami"))[0].auth, { who: "chat" });
  });
});
