import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, connected, open, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("a client may join a namespace without joining the root", { from: "2.0" }, async (t, way) => {
  const socket = await connect(t, `${server.url}/chat`, way);
  const [who] = await ask(socket, "whoami");
  assert.equal(who.namespace, "/chat");
  assert.equal(who.id, socket.id);
});

scenario("several namespaces share one connection, each with an id of its own", { from: "2.0" }, async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  const custom = root.io.socket("/custom");
  await Promise.all([connected(chat), connected(custom)]);
  assert.equal(chat.io.engine, root.io.engine);
  assert.equal(new Set([root.id, chat.id, custom.id]).size, 3);
  assert.equal((await ask(root, "whoami"))[0].namespace, "/");
  assert.equal((await ask(chat, "whoami"))[0].namespace, "/chat");
});

scenario("events stay in their namespace", async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  await connected(chat);
  const atRoot = record(root, "message-back");
  const atChat = record(chat, "message-back");
  chat.emit("message", "for chat", Buffer.from("bytes"));
  assert.deepEqual(await atChat.next(), ["for chat", Buffer.from("bytes")]);
  root.emit("message", "for root");
  assert.deepEqual(await atRoot.next(), ["for root"]);
  assert.deepEqual(atChat.drain(), []);
});

scenario("/custom says who came and nothing else", { from: "3.0" }, async (t, way) => {
  const socket = open(t, `${server.url}/custom`, way, { auth: { who: "me" } });
  const auth = record(socket, "auth");
  assert.deepEqual(await auth.next(), [{ who: "me" }]);
});

scenario("leaving one namespace leaves the others and the connection", async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  await connected(chat);
  const { engine } = root.io;
  const gone = once(chat, "disconnect");
  chat.disconnect();
  assert.equal((await gone)[0], "io client disconnect");
  assert.deepEqual(await ask(root, "ack", "root stays"), ["root stays"]);
  const back = once(chat, "connect");
  chat.connect();
  await back;
  assert.deepEqual(await ask(chat, "ack", "chat is back"), ["chat is back"]);
  assert.equal(chat.io.engine, engine);
});

scenario("a broadcast reaches its namespace only", async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  await connected(chat);
  const atRoot = record(root, "broadcast");
  const atChat = record(chat, "broadcast");
  chat.emit("broadcast", "chat only");
  assert.deepEqual(await atChat.next(), ["chat only"]);
  await ask(root, "ack");
  assert.deepEqual(atRoot.drain(), []);
});
