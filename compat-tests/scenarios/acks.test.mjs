import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, open, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("the server acknowledges with the arguments it got", async (t, way) => {
  const socket = await connect(t, server.url, way);
  for (const args of [[], ["one"], [1, "two", { three: [3] }], [null], [Buffer.from("bytes"), { b: Buffer.from("!") }]]) {
    assert.deepEqual(await ask(socket, "ack", ...args), args);
    assert.deepEqual(await ask(socket, "message-with-ack", ...args), args);
  }
});

scenario("the first acknowledgement, whose id is 0, arrives", { from: "4.6" }, async (t, way) => {
  const socket = open(t, server.url, way);
  assert.equal(await socket.timeout(8_000).emitWithAck("ack", "zero"), "zero");
});

scenario("answers find their questions", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const questions = Array.from({ length: 200 }, (_, i) => [i]);
  assert.deepEqual(await Promise.all(questions.map(([i]) => ask(socket, "ack", i))), questions);
});

scenario("a question that nobody answers times out at the client", { from: "4.6" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  await assert.rejects(socket.timeout(50).emitWithAck("nobody listens"), { message: "operation has timed out" });
});

scenario("the client answers the server", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  socket.on("question", (number, answer) => answer(number + 1, { from: socket.id }));
  socket.emit("ask");
  assert.deepEqual(await answered.next(), [43, { from: socket.id }]);
});

scenario("the client may answer with bytes, with nothing, and late", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  const questions = record(socket, "question");
  for (const answer of [[Buffer.from("bytes"), [Buffer.from("more")]], []]) {
    socket.emit("ask");
    const [number, reply] = await questions.next();
    assert.equal(number, 42);
    // Other traffic passes while the server waits for the answer.
    assert.deepEqual(await ask(socket, "ack", "meanwhile"), ["meanwhile"]);
    reply(...answer);
    assert.deepEqual(await answered.next(), answer);
  }
});

scenario("several questions may be open, answered in any order", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  const questions = record(socket, "question");
  for (let i = 0; i < 5; i++) {
    socket.emit("ask");
  }
  const replies = (await questions.take(5)).map(([, reply]) => reply);
  replies.reverse().forEach((reply, i) => reply(i));
  const answers = (await answered.take(5)).flat().toSorted();
  assert.deepEqual(answers, [0, 1, 2, 3, 4]);
});

scenario("an answer given twice counts once", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const answered = record(socket, "answered");
  socket.on("question", (_, answer) => {
    answer("first");
    answer("second");
  });
  socket.emit("ask");
  assert.deepEqual(await answered.next(), ["first"]);
  await ask(socket, "ack");
  assert.deepEqual(answered.drain(), []);
});

scenario("acknowledgements of two namespaces do not mix", async (t, way) => {
  const root = await connect(t, server.url, way);
  const chat = root.io.socket("/chat");
  await once(chat, "connect");
  const answers = await Promise.all([
    ask(root, "ack", "root 0"),
    ask(chat, "ack", "chat 0"),
    ask(root, "ack", "root 1"),
    ask(chat, "ack", "chat 1"),
  ]);
  assert.deepEqual(answers.flat(), ["root 0", "chat 0", "root 1", "chat 1"]);
});
