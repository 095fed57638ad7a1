// Namespaces that clients make up, and many of them over one connection.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connect, connected, open, record, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("a namespace is made for the client that names it", async (t, way) => {
  const socket = await connect(t, `${server.url}/dynamic-101`, way);
  const [who] = await ask(socket, "whoami");
  assert.equal(who.namespace, "/dynamic-101");
  assert.deepEqual(await ask(socket, "ack", 1, Buffer.from([2])), [1, Buffer.from([2])]);
});

scenario("a name that does not match makes none", async (t, way) => {
  for (const name of ["/dynamic-", "/dynamic-1x", "/a/dynamic-1"]) {
    const socket = open(t, server.url + name, way);
    const [error] = await once(socket, way.refusal);
    assert.equal(error.message, "Invalid namespace");
  }
});

scenario("those who name the same namespace meet there, and nobody else", async (t, way) => {
  const [a, b, other] = await Promise.all([7, 7, 8].map((n) => connect(t, `${server.url}/dynamic-${n}`, way)));
  const inboxes = [a, b, other].map((socket) => record(socket, "broadcast"));
  a.emit("broadcast", "met");
  assert.deepEqual(await inboxes[0].next(), ["met"]);
  assert.deepEqual(await inboxes[1].next(), ["met"]);
  await ask(other, "ack");
  assert.deepEqual(inboxes[2].drain(), []);
});

scenario("thirty namespaces over one connection keep to themselves", async (t, way) => {
  const root = await connect(t, server.url, way);
  const sockets = Array.from({ length: 30 }, (_, i) => root.io.socket(`/dynamic-${1000 + i}`));
  await Promise.all(sockets.map(connected));
  const answers = await Promise.all(sockets.map((socket, i) => ask(socket, "ack", i, Buffer.from([i]))));
  answers.forEach((answer, i) => assert.deepEqual(answer, [i, Buffer.from([i])]));
  const names = await Promise.all(sockets.map(async (socket) => (await ask(socket, "whoami"))[0].namespace));
  assert.deepEqual(names, sockets.map((_, i) => `/dynamic-${1000 + i}`));
  for (const socket of sockets.slice(0, 15)) {
    socket.disconnect();
  }
  assert.deepEqual(await Promise.all(sockets.slice(15).map((socket) => ask(socket, "ack", "stays"))), Array.from({ length: 15 }, () => ["stays"]));
});

scenario("a namespace is left and joined again, many times", { from: "4.4" }, async (t, way) => {
  const root = await connect(t, server.url, way);
  const socket = root.io.socket("/dynamic-1");
  await connected(socket);
  const ids = new Set([socket.id]);
  for (let i = 0; i < 10; i++) {
    socket.disconnect();
    // The official server closes a connection of which it reads the leaving and the joining in one go.
    await ask(root, "ack");
    socket.connect();
    await once(socket, "connect");
    ids.add(socket.id);
    assert.deepEqual(await ask(socket, "ack", i), [i]);
  }
  assert.equal(ids.size, 11);
});
