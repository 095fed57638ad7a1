// Upgrades that are not completed, or not asked for: the session goes on over polling as if nothing had been.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { Engine } from "../lib/engine.mjs";
import { begin, get, post } from "../lib/http.mjs";
import { target } from "../lib/server.mjs";
import { useServer } from "../lib/suite.mjs";

const server = useServer();
const engine = new Engine(server, "/engine.io/");

async function assertPolls(session) {
  await session.send("4still polling");
  const packets = await session.take(1);
  // A GET may still be released for the upgrade that was being tried.
  assert.ok(packets.includes("4still polling") || packets[0] === "6", JSON.stringify(packets));
  if (packets[0] === "6") {
    assert.deepEqual(await session.receive(), ["4still polling"]);
  }
}

/** Probes on a candidate, up to the point where the server waits for the upgrade packet. */
async function probe(t, session) {
  const ws = await session.candidate(t);
  ws.send("2probe");
  assert.equal(await ws.next(), "3probe");
  return ws;
}

async function complete(session, ws) {
  ws.send("5");
  ws.send("4on websocket");
  assert.equal(await ws.next(), "4on websocket");
  const mismatch = '{"code":3,"message":"Bad request"}';
  for (const answer of [await get(session.url), await post(session.url, "4late")]) {
    assert.deepEqual([answer.status, answer.body], [400, mismatch]);
  }
}

test("a candidate that does not probe is closed, and another may try", async (t) => {
  const session = await engine.poll();
  for (const packet of ["4hello", "2", "2abc", "abc", "1"]) {
    const ws = await session.candidate(t);
    ws.send(packet);
    await ws.closed;
    assert.deepEqual(ws.left(), []);
  }
  await assertPolls(session);
  await complete(session, await probe(t, session));
});

test("a candidate that goes away after its probe leaves the session where it was", async (t) => {
  const session = await engine.poll();
  const ws = await probe(t, session);
  ws.close();
  await ws.closed;
  await assertPolls(session);
});

test("a candidate that is cut after its probe leaves the session where it was", async (t) => {
  const session = await engine.poll();
  const ws = await probe(t, session);
  ws.terminate();
  await assertPolls(session);
});

test("a second candidate is closed, and the first one goes on", async (t) => {
  const session = await engine.poll();
  const first = await probe(t, session);
  const second = await session.candidate(t);
  await second.closed;
  await complete(session, first);
});

test("polling works on between the probe and the upgrade", async (t) => {
  const session = await engine.poll();
  const ws = await probe(t, session);
  await session.send("4one");
  const first = await session.receive();
  assert.ok(["4one", "6"].includes(first[0]));
  if (first[0] === "6") {
    assert.deepEqual(await session.receive(), ["4one"]);
  }
  await complete(session, ws);
});

test("every GET is released while an upgrade is pending", async (t) => {
  const session = await engine.poll();
  const ws = await probe(t, session);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await session.receive(), ["6"]);
  }
  await complete(session, ws);
});

test("nothing is lost or doubled that is sent around the upgrade", async (t) => {
  const session = await engine.poll();
  const sent = Array.from({ length: 50 }, (_, i) => `4${i}`);
  const got = [];
  const poller = (async () => {
    for (;;) {
      const { status, body } = await get(session.url);
      if (status !== 200) {
        return;
      }
      got.push(...body.split("\x1e").filter((packet) => packet.startsWith("4")));
    }
  })();
  for (const packet of sent.slice(0, 25)) {
    await session.send(packet);
  }
  const ws = await probe(t, session);
  for (const packet of sent.slice(25, 40)) {
    await session.send(packet);
  }
  ws.send("5");
  for (const packet of sent.slice(40)) {
    ws.send(packet);
  }
  await poller;
  while (got.length < sent.length) {
    got.push(await ws.next());
  }
  assert.deepEqual(got, sent);
});

describe("the end of the session ends the candidate", () => {
  test("when the client closes it", async (t) => {
    const session = await engine.poll();
    const ws = await probe(t, session);
    await session.send("1");
    await ws.closed;
    await session.assertGone();
  });

  test("when its polling fails", async (t) => {
    const session = await engine.poll();
    const ws = await probe(t, session);
    const parked = begin("GET", session.url);
    await parked.sent();
    await session.get();
    await ws.closed;
  });
});

test("no upgrade for a session that began on WebSocket", { skip: target === "node" && "taken there" }, async (t) => {
  const ws = await engine.websocket(t);
  const second = await engine.connect(t, { sid: ws.handshake.sid });
  second.send("2probe");
  await second.closed;
  ws.send("4alone");
  assert.equal(await ws.next(), "4alone");
});
