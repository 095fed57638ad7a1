// Events that are larger than what may wait for a client.

import assert from "node:assert/strict";
import { connected, open, received, scenario, settled, useServer } from "../lib/suite.mjs";
import { Inbox } from "../lib/inbox.mjs";
import { within } from "../lib/deadline.mjs";

const newer = { from: "4.8" }; // the first scenario is for every client, and it takes long enough
const LONG = 20_000; // milliseconds for what a busy machine takes its time with
const servers = { plain: useServer("-eio3"), deflate: useServer("-eio3", "-deflate"), recovery: useServer("-eio3", "-recovery") };

/** "text" or "binary" and the size in MB, once it is sure that nothing of it is missing. */
function summary([first, ...rest]) {
  const whole = (data) => data.length % 1_000_000 === 0 && data.length > 0 && data[0] === data.at(-1);
  if (typeof first === "string") {
    assert.ok(whole(first) && rest[0] === "end");
    return `text ${first.length / 1_000_000}`;
  }
  const [data, [end, last]] = [received(first.first), received(first.second)];
  assert.ok(whole(data) && last.length === 1_000_000 && end.toString() === "end");
  return `binary ${data.length / 1_000_000}`;
}

/** The large events that a socket receives from now on, summed up. */
function large(socket) {
  const inbox = new Inbox("large event");
  socket.on("large", (...args) => inbox.push(summary(args)));
  return inbox;
}

function answer(socket, size, binary) {
  return within(new Promise((resolve) => socket.emit("large-ack", size, binary, (...args) => resolve(summary(args)))), "large answer", LONG);
}

scenario("from a handler, one by one and together", {}, async (t, way) => {
  const socket = await settled(t, servers.plain.url, way);
  const inbox = large(socket);
  for (const [sizes, binary] of [[[1], false], [[9], true], [[20], false], [[9, 9], false], [[9, 9], true]]) {
    socket.emit("large", "me", sizes, binary);
    assert.deepEqual(await inbox.take(sizes.length, LONG), sizes.map((size) => `${binary ? "binary" : "text"} ${size}`));
  }
});

scenario("as acknowledgements", newer, async (t, way) => {
  const socket = await settled(t, servers.plain.url, way);
  assert.equal(await answer(socket, 20, false), "text 20");
  assert.equal(await answer(socket, 9, true), "binary 9");
});

scenario("to everybody", newer, async (t, way) => {
  const sockets = await Promise.all([1, 2].map(() => settled(t, servers.plain.url, way)));
  const inboxes = sockets.map(large);
  sockets[0].emit("large", "all", [9, 9], false);
  sockets[0].emit("large", "all", [9], true);
  for (const inbox of inboxes) {
    assert.deepEqual(await inbox.take(3, LONG), ["text 9", "text 9", "binary 9"]);
  }
});

for (const kind of ["plain", "deflate", "recovery"]) {
  scenario(`from connection handlers, ${kind}`, newer, async (t, way) => {
    const socket = open(t, servers[kind].url, way, { query: { large: 9 } });
    const inbox = large(socket);
    await connected(socket);
    assert.deepEqual(await inbox.take(2, LONG), ["text 9", "binary 9"]);
    socket.emit("large", "me", [9], false);
    socket.emit("large", "all", [9], true);
    assert.deepEqual(await inbox.take(2, LONG), ["text 9", "binary 9"]);
  });
}
