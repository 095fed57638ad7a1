import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, connected, scenario, upgraded, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("a disconnect by the server ends that namespace only", async (t, way) => {
  const root = await connect(t, server.url, way, { reconnection: true });
  const chat = root.io.socket("/chat");
  await connected(chat);
  const gone = once(chat, "disconnect");
  chat.emit("bye");
  assert.equal((await gone)[0], "io server disconnect");
  if (way.since("4.4")) {
    assert.equal(chat.active, false, "the client must not come back by itself");
  }
  assert.deepEqual(await ask(root, "ack", "root stays"), ["root stays"]);
});

scenario("who was disconnected by the server may come back on purpose", { from: "4.4" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const before = socket.id;
  const gone = once(socket, "disconnect");
  socket.emit("bye");
  assert.equal((await gone)[0], "io server disconnect");
  const back = once(socket, "connect");
  socket.connect();
  await back;
  assert.notEqual(socket.id, before);
  assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
});

scenario("closing the connection ends all of its namespaces", async (t, way) => {
  const root = await connect(t, server.url, way, { reconnection: true });
  const chat = root.io.socket("/chat");
  await connected(chat);
  if (way.settles === "websocket") {
    await upgraded(root);
  }
  const goneRoot = once(root, "disconnect");
  const goneChat = once(chat, "disconnect");
  const closed = once(root.io.engine, "close");
  chat.emit("close");
  assert.equal((await goneRoot)[0], "io server disconnect");
  assert.equal((await goneChat)[0], "io server disconnect");
  await closed;
  if (way.since("4.4")) {
    assert.equal(root.active, false);
    assert.equal(chat.active, false);
  }
});

scenario("what the server emitted before it disconnects arrives", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const heard = [];
  socket.on("message-back", (n) => heard.push(n));
  const gone = once(socket, "disconnect");
  for (let i = 0; i < 20; i++) {
    socket.emit("message", i);
  }
  socket.emit("bye");
  assert.equal((await gone)[0], "io server disconnect");
  assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => i));
});
