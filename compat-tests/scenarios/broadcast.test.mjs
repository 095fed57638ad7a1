import assert from "node:assert/strict";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { ask, connect, record, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

scenario("a broadcast reaches everyone, the sender included", async (t, way) => {
  covers("socketio/uws/1");
  const sockets = await Promise.all(Array.from({ length: 5 }, () => connect(t, `${server.url}/chat`, way)));
  const elsewhere = await connect(t, server.url, way);
  const unheard = record(elsewhere, "broadcast");
  const heard = sockets.map((socket) => record(socket, "broadcast"));
  for (const args of [["text"], [], [1, { two: [2] }], [Buffer.from("bytes"), { more: Buffer.from("more") }]]) {
    sockets[0].emit("broadcast", ...args);
    for (const inbox of heard) {
      assert.deepEqual(await inbox.next(), args);
    }
  }
  await ask(elsewhere, "ack");
  assert.deepEqual(unheard.drain(), [], "the other namespace hears nothing");
});

scenario("broadcasts of one sender keep their order at every receiver", async (t, way) => {
  const sockets = await Promise.all(Array.from({ length: 3 }, () => connect(t, server.url, way)));
  const heard = sockets.map((socket) => record(socket, "broadcast"));
  const sent = Array.from({ length: 100 }, (_, i) => (i % 3 ? [i] : [i, Buffer.from([i])]));
  for (const args of sent) {
    sockets[0].emit("broadcast", ...args);
  }
  for (const inbox of heard) {
    assert.deepEqual(await inbox.take(sent.length), sent);
  }
});

scenario("who has left is not in the way of a broadcast", async (t, way) => {
  const [stays, leaves] = await Promise.all([connect(t, server.url, way), connect(t, server.url, way)]);
  const heard = record(stays, "broadcast");
  const gone = once(leaves, "disconnect");
  leaves.disconnect();
  await gone;
  stays.emit("broadcast", "who is here");
  assert.deepEqual(await heard.next(), ["who is here"]);
  assert.deepEqual(await ask(stays, "ack"), []);
});

scenario("clients of all transports hear the same broadcast", { transports: ["upgrade"] }, async (t, way) => {
  const sockets = await Promise.all(way.client.transports.map((name) => connect(t, server.url, way.over(name))));
  const heard = sockets.map((socket) => record(socket, "broadcast"));
  for (const sender of sockets) {
    sender.emit("broadcast", sender.id, Buffer.from(sender.id));
    for (const inbox of heard) {
      assert.deepEqual(await inbox.next(), [sender.id, Buffer.from(sender.id)]);
    }
  }
});
