// A browser's WebSocket, without Socket.IO: what it sends comes back as it was sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { useDemo } from "../lib/suite.mjs";
import { CONTINUATION, frame, TEXT } from "../lib/frame.mjs";
import { RawWebSocket } from "../lib/websocket.mjs";

const demo = useDemo();

async function dial(t, options) {
  const ws = new RawWebSocket(`${demo.url}/chat`, options);
  t.after(() => ws.terminate());
  await ws.opened;
  return ws;
}

test("text comes back as it was sent", async (t) => {
  const ws = await dial(t);
  for (const text of ["hello", "", "42[\"message\"]", "Grüße 🌍", "x".repeat(100_000)]) {
    ws.send(text);
    assert.equal(await ws.next(), text);
  }
});

test("many texts come back in order", async (t) => {
  const ws = await dial(t);
  const sent = Array.from({ length: 500 }, (_, i) => `text ${i}`);
  sent.forEach((text) => ws.send(text));
  assert.deepEqual(await ws.take(sent.length), sent);
});

test("a text in pieces comes back whole", async (t) => {
  const ws = await dial(t);
  ws.connection.write(Buffer.concat([frame(TEXT, "in ", { fin: false }), frame(CONTINUATION, "pieces")]));
  assert.equal(await ws.next(), "in pieces");
});

test("a close is answered", async (t) => {
  const ws = await dial(t);
  ws.close();
  assert.notEqual((await ws.closed).code, 1006);
});

test("a frame that breaks the rules ends the connection", async (t) => {
  const ws = await dial(t);
  ws.connection.write(frame(TEXT, "hello", { masked: false }));
  assert.equal((await ws.closed).code, 1002);
});

test("pages of other origins are refused", async (t) => {
  await assert.rejects(dial(t, { headers: { origin: "https://evil.example.net" } }), { status: 403 });
  await dial(t, { headers: { origin: demo.url } });
});
