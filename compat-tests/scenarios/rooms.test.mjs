import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, connected, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

/** n clients with a record each of the event "room". */
async function crowd(t, way, n) {
  const sockets = await Promise.all(Array.from({ length: n }, () => connect(t, server.url, way)));
  return sockets.map((socket) => ({ socket, heard: record(socket, "room") }));
}

scenario("a socket is in the room of its id, and in those that it joined", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const rooms = async () => (await ask(socket, "whoami"))[0].rooms.toSorted();
  assert.deepEqual(await rooms(), [socket.id]);
  assert.deepEqual(await ask(socket, "join", "red"), []);
  assert.deepEqual(await ask(socket, "join", "blue"), []);
  assert.deepEqual(await ask(socket, "join", "red"), []);
  assert.deepEqual(await rooms(), [socket.id, "red", "blue"].toSorted());
  assert.deepEqual(await ask(socket, "leave", "red"), []);
  assert.deepEqual(await ask(socket, "leave", "never joined"), []);
  assert.deepEqual(await rooms(), [socket.id, "blue"].toSorted());
});

scenario("a room's members hear what is said there, the sender included", async (t, way) => {
  const [a, b, outside] = await crowd(t, way, 3);
  await Promise.all([ask(a.socket, "join", "talk"), ask(b.socket, "join", "talk")]);
  a.socket.emit("room", "talk", "hello", { n: 1 }, Buffer.from("bytes"));
  const expected = ["hello", { n: 1 }, Buffer.from("bytes")];
  assert.deepEqual(await a.heard.next(), expected);
  assert.deepEqual(await b.heard.next(), expected);
  await ask(outside.socket, "ack");
  assert.deepEqual(outside.heard.drain(), []);
});

scenario("a room may be addressed from outside", async (t, way) => {
  const [member, outside] = await crowd(t, way, 2);
  await ask(member.socket, "join", "letterbox");
  outside.socket.emit("room", "letterbox", "from outside");
  assert.deepEqual(await member.heard.next(), ["from outside"]);
  await ask(outside.socket, "ack");
  assert.deepEqual(outside.heard.drain(), []);
});

scenario("who left a room hears no more of it", async (t, way) => {
  const [stays, leaves] = await crowd(t, way, 2);
  await Promise.all([ask(stays.socket, "join", "door"), ask(leaves.socket, "join", "door")]);
  stays.socket.emit("room", "door", 1);
  assert.deepEqual(await leaves.heard.next(), [1]);
  await ask(leaves.socket, "leave", "door");
  stays.socket.emit("room", "door", 2);
  assert.deepEqual(await stays.heard.take(2), [[1], [2]]);
  await ask(leaves.socket, "ack");
  assert.deepEqual(leaves.heard.drain(), []);
});

scenario("a room without members takes messages without complaint", async (t, way) => {
  const [only] = await crowd(t, way, 1);
  only.socket.emit("room", "nobody", "hello");
  await ask(only.socket, "ack");
  assert.deepEqual(only.heard.drain(), []);
});

scenario("a socket can be addressed by its id", async (t, way) => {
  const [a, b] = await crowd(t, way, 2);
  a.socket.emit("room", b.socket.id, "for you alone");
  assert.deepEqual(await b.heard.next(), ["for you alone"]);
  await ask(a.socket, "ack");
  assert.deepEqual(a.heard.drain(), []);
});

scenario("rooms of the same name in two namespaces are two rooms", async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  await connected(chat);
  const atRoot = record(root, "room");
  const atChat = record(chat, "room");
  await Promise.all([ask(root, "join", "twins"), ask(chat, "join", "twins")]);
  chat.emit("room", "twins", "in chat");
  assert.deepEqual(await atChat.next(), ["in chat"]);
  await ask(root, "ack");
  assert.deepEqual(atRoot.drain(), []);
});

scenario("rooms are left with the connection", { from: "4.4" }, async (t, way) => {
  const [stays, leaves] = await crowd(t, way, 2);
  await Promise.all([ask(stays.socket, "join", "house"), ask(leaves.socket, "join", "house")]);
  const back = once(leaves.socket, "connect");
  leaves.socket.disconnect().connect();
  await back;
  assert.deepEqual((await ask(leaves.socket, "whoami"))[0].rooms, [leaves.socket.id]);
  stays.socket.emit("room", "house", "anybody?");
  assert.deepEqual(await stays.heard.next(), ["anybody?"]);
  await ask(leaves.socket, "ack");
  assert.deepEqual(leaves.heard.drain(), []);
});
