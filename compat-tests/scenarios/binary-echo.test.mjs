import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { ask, connect, scenario, record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

scenario("bytes come back as bytes", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "bin");
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  for (const bytes of [everyByte, Buffer.from([0]), Buffer.from("4text"), Buffer.from([0x1e, 0x1e])]) {
    socket.emit("bin", bytes);
    const [answer] = await back.next();
    assert.ok(Buffer.isBuffer(answer));
    assert.deepEqual(answer, bytes);
  }
});

scenario("an empty buffer is an attachment too", async (t, way) => {
  const socket = await connect(t, server.url, way);
  assert.deepEqual(await ask(socket, "ack", Buffer.alloc(0)), [Buffer.alloc(0)]);
  const mixed = [Buffer.alloc(0), Buffer.from([1]), Buffer.alloc(0), { inside: Buffer.alloc(0) }];
  assert.deepEqual(await ask(socket, "ack", ...mixed), mixed);
});

scenario("several buffers keep their places", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const args = [Buffer.from("one"), "text", Buffer.from("two"), 3, Buffer.from("one"), null];
  assert.deepEqual(await ask(socket, "ack", ...args), args);
});

scenario("buffers may be nested at any depth", { usual: true }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "echo");
  const value = {
    list: [1, Buffer.from("a"), [Buffer.from("b"), { deep: { deeper: [[Buffer.from("c")]] } }]],
    "odd \" key": Buffer.from("d"),
    plain: { _placeholder: false, num: 7 },
  };
  socket.emit("echo", value, Buffer.from("e"));
  assert.deepEqual(await back.next(), [value, Buffer.from("e")]);
});

scenario("views are sent as the bytes they show", { from: "2.0", usual: true }, async (t, way) => {
  const socket = await connect(t, server.url, way);
  const ground = Uint8Array.from([9, 1, 2, 3, 9]);
  const views = [ground.subarray(1, 4), ground.buffer, new DataView(ground.buffer, 2, 2), Uint16Array.from([0x0201])];
  const answers = await ask(socket, "ack", ...views);
  assert.deepEqual(answers, [[1, 2, 3], [9, 1, 2, 3, 9], [2, 3], [1, 2]].map((bytes) => Buffer.from(bytes)));
});

scenario("ten attachments pass", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const buffers = Array.from({ length: 10 }, (_, i) => Buffer.alloc(i, i));
  assert.deepEqual(await ask(socket, "ack", buffers), [buffers]);
});

scenario("many binary events in a row come back in order", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const back = record(socket, "bin");
  const sent = Array.from({ length: 100 }, (_, i) => [Buffer.from([i]), i, { b: Buffer.alloc(i) }]);
  for (const args of sent) {
    socket.emit("bin", ...args);
  }
  assert.deepEqual(await back.take(sent.length), sent);
});

scenario("half a megabyte comes back byte for byte", async (t, way) => {
  const socket = await connect(t, server.url, way);
  const bytes = randomBytes(500_000);
  const [answer] = await ask(socket, "ack", bytes);
  assert.equal(sha256(answer), sha256(bytes));
});
