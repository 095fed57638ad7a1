import assert from "node:assert/strict";
import { ask, connect, open, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("an event brings its arguments, however many", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "message-back");
  const many = Array.from({ length: 200 }, (_, i) => i);
  for (const args of [[], ["one"], [1, "two", { three: 3 }], many]) {
    socket.emit("message", ...args);
    assert.deepEqual(await back.next(), args);
  }
});

scenario("what is emitted before the connection stands is delivered then", async (t, way) => {
  const socket = open(t, server.url, way);
  const back = record(socket, "message-back");
  socket.emit("message", "early");
  assert.equal(socket.connected, false);
  assert.deepEqual(await back.next(), ["early"]);
});

scenario("events arrive in the order of their emission", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "message-back");
  const sent = Array.from({ length: 500 }, (_, i) => [i]);
  for (const args of sent) {
    socket.emit("message", ...args);
  }
  assert.deepEqual(await back.take(sent.length), sent);
});

scenario("events with and without attachments keep their order among each other", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "message-back");
  const sent = Array.from({ length: 60 }, (_, i) => (i % 2 ? [i, Buffer.from([i])] : [i]));
  for (const args of sent) {
    socket.emit("message", ...args);
  }
  assert.deepEqual(await back.take(sent.length), sent);
});

scenario("every listener hears an event, and the catch-all listeners do", { from: "3.0" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const first = record(socket, "echo");
  const second = record(socket, "echo");
  const all = [];
  socket.onAny((...args) => all.push(args));
  socket.emit("echo", "x");
  assert.deepEqual([await first.next(), await second.next()], [["x"], ["x"]]);
  assert.deepEqual(all.at(-1), ["echo", "x"]);
});

scenario("what is answered by an event comes back without the request for an acknowledgement", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "message-back");
  socket.emit("message", "with a function", () => assert.fail("nobody acknowledges this"));
  assert.deepEqual(await back.next(), ["with a function"]);
});

scenario("events that nobody handles are harmless", async (t, way) => {
  const socket = await connect(t, server.url, way);
  for (const name of ["nobody listens", "", "error", "connection", "__proto__", "constructor", "é€🙂", 7]) {
    socket.emit(name, 1, { two: 2 }, Buffer.from("three"));
  }
  assert.deepEqual(await ask(socket, "ack", "alive"), ["alive"]);
});
