// Clients that call connect once more than they have to, as effects of React do, hot reload, and handlers of visibilitychange. The
// official server closes the connection, and with it every namespace, when it has answered the first CONNECT already.

import assert from "node:assert/strict";
import { target } from "../lib/server.mjs";
import { ask, connect, connected, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

/** Fails unless both sockets are connected, over the connection that was there before. */
async function unharmed(root, engine, ...others) {
  for (const socket of [root, ...others]) {
    assert.deepEqual(await ask(socket, "ack", "still here"), ["still here"]);
  }
  assert.equal(root.io.engine, engine);
}

// What the official server does here (docs/differences.md) is in ../differential.
const since = { from: target === "node" ? "99.0" : "2.0" };

for (const [when, begin] of [["at once", connect], ["on the transport where it stays", settled]]) {
  scenario(`connect twice beside an open namespace, ${when}`, since, async (t, way) => {
    const root = await begin(t, server.url, way);
    const { engine } = root.io;
    const lost = [];
    root.on("disconnect", (reason) => lost.push(reason));
    for (const name of ["/chat", "/dynamic-1", "/dynamic-2", "/dynamic-3"]) {
      const other = root.io.socket(name);
      other.connect();
      other.connect();
      await connected(other);
      other.connect();
      await unharmed(root, engine);
      assert.equal(other.connected, true);
    }
    await unharmed(root, engine, root.io.socket("/chat"));
    assert.deepEqual(lost, []);
  });
}

scenario("connect, disconnect and connect again before there is an answer", since, async (t, way) => {
  const root = await connect(t, server.url, way);
  const { engine } = root.io;
  const chat = root.io.socket("/chat");
  for (let i = 0; i < 5; i++) {
    chat.connect();
    chat.disconnect();
    chat.connect();
    chat.disconnect();
    chat.connect();
    await connected(chat);
    await unharmed(root, engine, chat);
    chat.disconnect();
  }
});

scenario("connect again when nobody listened to the answer", since, async (t, way) => {
  const root = await connect(t, server.url, way);
  const { engine } = root.io;
  const chat = root.io.socket("/chat");
  chat.connect();
  chat.disconnect(); // it is not connected, and so sends nothing
  await ask(root, "ack"); // by now the answer has come
  await ask(root, "ack");
  assert.equal(chat.connected, false);
  chat.connect();
  await connected(chat);
  await unharmed(root, engine, chat);
});
