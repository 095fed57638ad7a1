// Limits that an operator sets, as the official client sees them.

import assert from "node:assert/strict";
import { once, within } from "../lib/deadline.mjs";
import { ask, connect, connected, open, scenario, settled, useDemo, useServer } from "../lib/suite.mjs";

const all = { newest: true, usual: true };
const error = useDemo(() => ({ flags: ["-limit-events", "0.001/3"] }));
const disconnect = useDemo(() => ({ flags: ["-limit-events", "0.001/3/disconnect"] }));
const bytes = useDemo(() => ({ flags: ["-limit-bytes", "200000/1000"] }));
const addresses = useDemo(() => ({ flags: ["-limit-connections", "1", "-trusted-proxy", "127.0.0.1"] }));

scenario("an event over the limit is answered with an error", all, async (t, way) => {
  const socket = await connect(t, error.url, way);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await ask(socket, "ack", i), [i]);
  }
  assert.deepEqual(await ask(socket, "ack", 3), [{ error: { message: "rate limit exceeded" } }]);
  assert.equal(socket.connected, true);
});

scenario("a client over the limit is disconnected, and comes back on purpose only", all, async (t, way) => {
  const socket = await settled(t, disconnect.url, way, { reconnection: true, reconnectionDelay: 10 });
  const gone = once(socket, "disconnect");
  for (let i = 0; i < 4; i++) {
    socket.emit("ack", i);
  }
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal(socket.active, false, "the client must not come back by itself");
  socket.connect();
  await connected(socket);
  assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
});

scenario("a client that sends too fast is slowed down, and keeps its connection", all, async (t, way) => {
  const socket = await connect(t, bytes.url, way);
  const data = "x".repeat(20_000);
  const began = Date.now();
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(socket, "ack", i, data)));
  assert.deepEqual(answers, Array.from({ length: 10 }, (_, i) => [i, data]));
  assert.deepEqual(await ask(socket, "ack", "next"), ["next"]); // which is read when the rest has been paid for
  assert.ok(Date.now() - began > 900, "it was not slowed down");
  assert.equal(socket.connected, true);
});

const impatient = useServer("-eio3", "-ping-interval", "700ms", "-ping-timeout", "1500ms", "-byte-limit", "100000");

/** Sends for longer than a client and a server wait for a heartbeat. */
async function holds(t, way) {
  const socket = await connect(t, impatient.url, way, { reconnection: true });
  const gone = [];
  socket.on("disconnect", (reason) => gone.push(reason));
  const data = "x".repeat(100_000); // three seconds, after the burst
  const answers = await Promise.all(Array.from({ length: 4 }, (_, i) => within(ask(socket, "ack", i, data), "answer", 20_000)));
  assert.deepEqual(answers, Array.from({ length: 4 }, (_, i) => [i, data]));
  assert.deepEqual(await ask(socket, "ack", "next"), ["next"]);
  assert.deepEqual(gone, []);
}

// One client for each protocol: others tell a server nothing new.
scenario("a client that is slowed down keeps its heartbeat", { from: "4.8", usual: true, transports: ["polling", "websocket"] }, holds);
scenario("an old client that is slowed down keeps its heartbeat", { from: "2.0", below: "3.0", transports: ["polling", "websocket"] }, holds);

let last = 0;

scenario("a client beyond those of its address is refused, and connects when there is room", all, async (t, way) => {
  const extraHeaders = { "X-Forwarded-For": `198.51.100.${++last}` };
  const first = await settled(t, addresses.url, way, { extraHeaders });
  const second = open(t, addresses.url, way, { extraHeaders, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 50 });
  const [refused] = await once(second, "connect_error");
  assert.ok(refused instanceof Error);
  assert.equal(second.connected, false);
  assert.equal(second.active, true, "the client must try again by itself");
  const other = await connect(t, addresses.url, way, { extraHeaders: { "X-Forwarded-For": "203.0.113.1" } });
  other.close();
  const accepted = once(second, "connect");
  first.close();
  await accepted;
  assert.deepEqual(await ask(second, "ack", "here"), ["here"]);
});
