// Acknowledgements that are waited for with a limit, by either side, and of many at once.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, pollInVain, record, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("the server's question is answered in time", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  socket.on("question", (n, answer) => answer(n + 1, Buffer.from([n])));
  socket.emit("ask-within", 60_000);
  assert.deepEqual(await answered.next(), [null, 43, Buffer.from([42])]);
});

scenario("the server's question is not answered in time", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  const questions = record(socket, "question");
  socket.emit("ask-within", 50);
  const [, late] = await questions.next();
  assert.deepEqual(await answered.next(), ["operation has timed out"]);
  late("too late");
  assert.deepEqual(await ask(socket, "ack", "alive"), ["alive"]);
  assert.deepEqual(answered.drain(), []);
});

scenario("a question to a room is answered by everyone in it", async (t, way) => {
  const sockets = await Promise.all([1, 2, 3].map(() => connect(t, server.url, way)));
  const room = `jury of ${sockets[0].id}`;
  for (const [i, socket] of sockets.entries()) {
    socket.on("vote", (question, answer) => answer({ question, i }));
  }
  await Promise.all([ask(sockets[0], "join", room), ask(sockets[1], "join", room)]);
  const [error, answers] = await ask(sockets[2], "poll", room, 60_000, { what: "colour?" });
  assert.equal(error, null);
  assert.deepEqual(answers.toSorted((a, b) => a.i - b.i), [0, 1].map((i) => ({ question: { what: "colour?" }, i })));
});

scenario("a question to a room is not answered by everyone in time", async (t, way) => {
  const sockets = await Promise.all([1, 2].map(() => connect(t, server.url, way)));
  const room = `jury of ${sockets[0].id}`;
  sockets[0].on("vote", (question, answer) => answer("yes"));
  await Promise.all(sockets.map((socket) => ask(socket, "join", room)));
  assert.deepEqual(await pollInVain(sockets[0], room, "?"), ["yes"]);
});

scenario("a question to nobody is answered at once", async (t, way) => {
  const socket = await connect(t, server.url, way);
  assert.deepEqual(await ask(socket, "poll", "an empty room", 60_000, "?"), [null, []]);
});

scenario("a client that retries sends the next event once the last one was acknowledged", { from: "4.6" }, async (t, way) => {
  const socket = open(t, server.url, way, { retries: 3, ackTimeout: 5_000 });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => socket.emitWithAck("ack", i)));
  assert.deepEqual(answers, Array.from({ length: 20 }, (_, i) => i));
});

scenario("a client that retries sends again what nobody acknowledges, as often as it was told", { from: "4.6" }, async (t, way) => {
  const socket = open(t, server.url, way, { retries: 2, ackTimeout: 100 });
  const back = record(socket, "message-back");
  const [error] = await new Promise((resolve) => socket.emit("message", "unacknowledged", (...args) => resolve(args)));
  assert.match(error.message, /timed out/);
  assert.deepEqual(await back.take(3), Array.from({ length: 3 }, () => ["unacknowledged"]));
  await socket.timeout(5_000).emitWithAck("ack");
  assert.deepEqual(back.drain(), []);
});

scenario("a question that is open when the client leaves is not answered any more", { from: "4.8" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const gone = once(socket, "disconnect");
  const answer = socket.timeout(60_000).emitWithAck("nobody listens");
  const failed = assert.rejects(answer, { message: "socket has been disconnected" });
  socket.disconnect();
  await Promise.all([gone, failed]);
});
