// Frames and packets over WebSocket that no well-behaved client sends: how the connection ends, or that it does not.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { Engine, eventually } from "../lib/engine.mjs";
import { BINARY, CLOSE, CONTINUATION, frame, PING, PONG, TEXT } from "../lib/frame.mjs";
import { get } from "../lib/http.mjs";
import { useServer } from "../lib/suite.mjs";

const limit = 1_000;
const server = useServer("-max-payload", String(limit));
const engine = new Engine(server, "/engine.io/");

/** Close codes of RFC 6455, section 7.4.1. */
const PROTOCOL_ERROR = 1002;
const NO_STATUS = 1005;
const INVALID_DATA = 1007;
const TOO_BIG = 1009;

/** Asserts that the session of a WebSocket is no more. */
async function assertGone(ws) {
  const url = engine.url({ EIO: 4, transport: "polling", sid: ws.handshake.sid });
  await eventually(() => get(url), ({ body }) => body === '{"code":1,"message":"Session ID unknown"}');
}

async function assertAlive(ws) {
  ws.send("4alive");
  assert.equal(await ws.next(), "4alive");
}

describe("messages that are too large", () => {
  test("exactly the limit passes", async (t) => {
    const ws = await engine.websocket(t);
    const text = `4${"x".repeat(limit - 1)}`;
    ws.send(text);
    assert.equal(await ws.next(), text);
    ws.send(Buffer.alloc(limit, 7));
    assert.deepEqual(await ws.next(), Buffer.alloc(limit, 7));
  });

  for (const [what, frames] of [
    ["text", [frame(TEXT, `4${"x".repeat(limit)}`)]],
    ["binary", [frame(BINARY, Buffer.alloc(limit + 1))]],
    ["a header that announces one", [frame(BINARY, "", { length: limit + 1 })]],
    ["a header that announces 2^62 bytes", [frame(BINARY, "", { length: 2 ** 62 })]],
    ["the sum of two fragments", [
      frame(TEXT, `4${"x".repeat(limit - 1)}`, { fin: false }),
      frame(CONTINUATION, "x"),
    ]],
  ]) {
    test(what, async (t) => {
      const ws = await engine.websocket(t);
      ws.connection.write(Buffer.concat(frames));
      assert.equal((await ws.closed).code, TOO_BIG);
      await assertGone(ws);
    });
  }
});

describe("frames that break the rules", () => {
  for (const [what, code, frames] of [
    ["not masked", PROTOCOL_ERROR, [frame(TEXT, "4hello", { masked: false })]],
    ["a reserved bit", PROTOCOL_ERROR, [frame(TEXT, "4hello", { reserved: 4 })]],
    ["two reserved bits", PROTOCOL_ERROR, [frame(TEXT, "4hello", { reserved: 3 })]],
    ["an unknown opcode", PROTOCOL_ERROR, [frame(3, "4hello")]],
    ["an unknown control opcode", PROTOCOL_ERROR, [frame(11)]],
    ["a long ping", PROTOCOL_ERROR, [frame(PING, "x".repeat(126))]],
    ["a fragmented ping", PROTOCOL_ERROR, [frame(PING, "x", { fin: false })]],
    ["a continuation of nothing", PROTOCOL_ERROR, [frame(CONTINUATION, "4hello")]],
    ["a message inside another", PROTOCOL_ERROR, [frame(TEXT, "4he", { fin: false }), frame(TEXT, "4llo")]],
    ["a close frame of one byte", PROTOCOL_ERROR, [frame(CLOSE, "x")]],
    ["a close code that must not be sent", PROTOCOL_ERROR, [frame(CLOSE, Buffer.from([0x03, 0xed]))]],
    ["a close reason that is no UTF-8", INVALID_DATA, [frame(CLOSE, Buffer.from([0x03, 0xe8, 0xff]))]],
    ["text that is no UTF-8", INVALID_DATA, [frame(TEXT, Buffer.from([0x34, 0xc3, 0x28]))]],
    ["text whose last character is cut", INVALID_DATA, [frame(TEXT, Buffer.from([0x34, 0xe2, 0x82]))]],
  ]) {
    test(what, async (t) => {
      const ws = await engine.websocket(t);
      ws.connection.write(Buffer.concat(frames));
      assert.equal((await ws.closed).code, code);
      await assertGone(ws);
    });
  }
});

describe("close frames", () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999]) {
    test(`${code} is answered with itself`, async (t) => {
      const ws = await engine.websocket(t);
      ws.connection.write(frame(CLOSE, Buffer.from([code >> 8, code & 0xff])));
      assert.equal((await ws.closed).code, code);
      await assertGone(ws);
    });
  }
  for (const code of [999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000]) {
    test(`${code} breaks the protocol`, async (t) => {
      const ws = await engine.websocket(t);
      ws.connection.write(frame(CLOSE, Buffer.from([code >> 8, code & 0xff])));
      assert.equal((await ws.closed).code, PROTOCOL_ERROR);
      await assertGone(ws);
    });
  }
});

describe("packets that end the session", () => {
  for (const [what, text] of [
    ["no packet at all", ""],
    ["an unknown type", "abc"],
    ["a type above the last one", "7"],
    ["a ping in the wrong direction", "2"],
  ]) {
    test(what, async (t) => {
      const ws = await engine.websocket(t);
      ws.send(text);
      assert.equal((await ws.closed).code, NO_STATUS);
      await assertGone(ws);
    });
  }

  test("what came before is delivered, what came after is not", async (t) => {
    const ws = await engine.websocket(t);
    ws.send("4before").send("abc").send("4after");
    assert.equal(await ws.next(), "4before");
    await ws.closed;
    assert.deepEqual(ws.left(), []);
  });
});

describe("odd, and harmless", () => {
  test("packets without a meaning in an open session", async (t) => {
    const ws = await engine.websocket(t);
    for (const text of ["0", "5", "6", "3", "3probe"]) {
      ws.send(text);
    }
    await assertAlive(ws);
  });

  test("binary as base64 text", async (t) => {
    const ws = await engine.websocket(t);
    ws.send("bAQIDBA==");
    assert.deepEqual(await ws.next(), Buffer.from([1, 2, 3, 4]));
  });

  test("empty messages", async (t) => {
    const ws = await engine.websocket(t);
    ws.send("4").send(Buffer.alloc(0));
    assert.deepEqual(await ws.take(2), ["4", Buffer.alloc(0)]);
  });

  test("a message in many pieces, with pings between them", async (t) => {
    const ws = await engine.websocket(t);
    const frames = [frame(TEXT, "4", { fin: false })];
    for (const letter of "pieces") {
      frames.push(frame(PING, letter), frame(CONTINUATION, letter, { fin: false }), frame(PONG, "unasked"));
    }
    frames.push(frame(CONTINUATION));
    ws.connection.write(Buffer.concat(frames));
    assert.equal(await ws.next(), "4pieces");
  });

  test("a character cut in two by fragments", async (t) => {
    const ws = await engine.websocket(t);
    const [head, tail] = [Buffer.from([0x34, 0xe2]), Buffer.from([0x82, 0xac])];
    ws.connection.write(Buffer.concat([frame(TEXT, head, { fin: false }), frame(CONTINUATION, tail)]));
    assert.equal(await ws.next(), "4€");
  });

  test("a message byte by byte", async (t) => {
    const ws = await engine.websocket(t);
    ws.connection.setNoDelay(true);
    for (const byte of frame(TEXT, "4slowly")) {
      ws.connection.write(Buffer.from([byte]));
    }
    assert.equal(await ws.next(), "4slowly");
  });
});

test("a connection that is cut in the middle of a frame ends its session", async (t) => {
  const ws = await engine.websocket(t);
  ws.connection.write(frame(TEXT, "4half", { length: 500 }));
  ws.terminate();
  await assertGone(ws);
});

test("a close frame is answered, and ends the session", async (t) => {
  const ws = await engine.websocket(t);
  ws.close();
  assert.notEqual((await ws.closed).code, 1006);
  await assertGone(ws);
});

test("the first subprotocol offered is chosen", async (t) => {
  const ws = await engine.websocket(t, { protocols: ["one", "two"] });
  assert.equal(ws.protocol, "one");
});
