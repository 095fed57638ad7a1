import assert from "node:assert/strict";
import { test } from "node:test";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { ask, connect, overEachTransport, record, transports, useServer } from "../lib/suite.mjs";

const server = useServer();

overEachTransport((transport) => {
  test("a broadcast reaches everyone, the sender included", async (t) => {
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connect(t, `${server.url}/chat`, transport)));
    const heard = sockets.map((socket) => record(socket, "broadcast"));
    for (const args of [["text"], [], [1, { two: [2] }], [Buffer.from("bytes"), { more: Buffer.from("more") }]]) {
      sockets[0].emit("broadcast", ...args);
      for (const inbox of heard) {
        assert.deepEqual(await inbox.next(), args);
      }
    }
  });

  test("broadcasts of one sender keep their order at every receiver", async (t) => {
    const sockets = await Promise.all(Array.from({ length: 3 }, () => connect(t, server.url, transport)));
    const heard = sockets.map((socket) => record(socket, "broadcast"));
    const sent = Array.from({ length: 100 }, (_, i) => (i % 3 ? [i] : [i, Buffer.from([i])]));
    for (const args of sent) {
      sockets[0].emit("broadcast", ...args);
    }
    for (const inbox of heard) {
      assert.deepEqual(await inbox.take(sent.length), sent);
    }
  });

  test("who has left is not in the way of a broadcast", async (t) => {
    const [stays, leaves] = await Promise.all([connect(t, server.url, transport), connect(t, server.url, transport)]);
    const heard = record(stays, "broadcast");
    const gone = once(leaves, "disconnect");
    leaves.disconnect();
    await gone;
    stays.emit("broadcast", "who is here");
    assert.deepEqual(await heard.next(), ["who is here"]);
    assert.deepEqual(await ask(stays, "ack"), []);
  });
});

test("clients of all transports hear the same broadcast", async (t) => {
  covers("socketio/uws/1");
  const elsewhere = await connect(t, `${server.url}/chat`, transports[1]);
  const unheard = record(elsewhere, "broadcast");
  const sockets = await Promise.all(transports.map((transport) => connect(t, server.url, transport)));
  const heard = sockets.map((socket) => record(socket, "broadcast"));
  for (const sender of sockets) {
    sender.emit("broadcast", sender.id, Buffer.from(sender.id));
    for (const inbox of heard) {
      assert.deepEqual(await inbox.next(), [sender.id, Buffer.from(sender.id)]);
    }
  }
  await ask(elsewhere, "ack");
  assert.deepEqual(unheard.drain(), [], "the other namespace hears nothing");
});
