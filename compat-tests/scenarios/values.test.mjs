// Values at the edges of what JSON, and what a packet, can hold.

import assert from "node:assert/strict";
import { target } from "../lib/server.mjs";
import { ask, connect, record, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("numbers at the edges", { usual: true }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const numbers = [2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -(2 ** 53), 2 ** 64, 1e21, 1e-7, 123456789012345680000, 0.1 + 0.2, Number.EPSILON, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 1 / 3];
  assert.deepEqual(await ask(socket, "ack", ...numbers), numbers);
});

scenario("halves of characters, line separators, and what looks like markup", { usual: true, from: "2.0" }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const echo = record(socket, "echo");
  const texts = ["\ud800", "a\udfff", "\udc00\ud800", "\u2028\u2029", "\ufeff", "\ufffe\uffff", "\u0000\u001e\u007f\u0080", "e\u0301 é", "</script>&amp;", "🏳️‍🌈".repeat(50)];
  for (const text of texts) {
    socket.emit("echo", text, { [text]: text });
    // A Go string cannot hold half a character: docs/differences.md.
    const back = target === "go" ? text.toWellFormed() : text;
    assert.deepEqual(await echo.next(), [back, { [back]: back }]);
  }
});

scenario("a thousand levels of nesting", { usual: true }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const value = Array.from({ length: 500 }).reduce((inner, _, i) => (i % 2 ? [inner] : { inner: [inner] }), "core");
  assert.deepEqual(await ask(socket, "ack", value), [value]);
});

scenario("nothing at all, and a message without a name", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "message-back");
  socket.emit("message");
  assert.deepEqual(await back.next(), []);
  socket.send("sent", 1);
  assert.deepEqual(await back.next(), ["sent", 1]);
});

scenario("binary of many sizes, up to the limit of a message", async (t, way) => {
  const socket = await settled(t, server.url, way);
  // Over polling binary is base64, a third longer; msgpack and Engine.IO 3 add a few bytes.
  const most = way.settles === "websocket" ? 999_900 : 740_000;
  for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, most]) {
    const bytes = Buffer.alloc(size, `${size} bytes `);
    const [answer] = await ask(socket, "ack", bytes);
    assert.ok(bytes.equals(answer), `${size} bytes`);
  }
});

scenario("every kind of typed array is its bytes", { from: "3.0", usual: true }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const kinds = [Int8Array, Uint8ClampedArray, Int16Array, Uint32Array, Float32Array, Float64Array, BigInt64Array];
  const arrays = kinds.map((Kind) => new Kind(Kind === BigInt64Array ? [1n, -2n] : [1, 2, 100]));
  const bytes = arrays.map((array) => Buffer.from(array.buffer));
  assert.deepEqual(await ask(socket, "ack", { arrays }), [{ arrays: bytes }]);
});

scenario("the same bytes at several places", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const shared = Buffer.from("shared");
  const sent = [shared, { first: shared, list: [shared, [shared]] }, shared];
  assert.deepEqual(await ask(socket, "ack", ...sent), sent);
});
