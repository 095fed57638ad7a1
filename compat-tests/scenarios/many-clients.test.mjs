import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { ask, connected, open, scenario, record, useServer } from "../lib/suite.mjs";

const crowd = 200;
const server = useServer("-eio3");

scenario(`${crowd} clients at once`, { newest: true }, async (t, way) => {
  const sockets = Array.from({ length: crowd }, () => open(t, `${server.url}/chat`, way));
  await Promise.all(sockets.map(connected));
  assert.equal(new Set(sockets.map((socket) => socket.id)).size, crowd);

  const echoes = await Promise.all(sockets.map((socket, i) => ask(socket, "ack", i, Buffer.from([i]))));
  echoes.forEach((echo, i) => assert.deepEqual(echo, [i, Buffer.from([i])]));

  await Promise.all(sockets.filter((_, i) => i % 2).map((socket) => ask(socket, "join", "odd")));
  const broadcasts = sockets.map((socket) => record(socket, "broadcast"));
  const rooms = sockets.map((socket) => record(socket, "room"));
  sockets[0].emit("room", "odd", "to the odd ones");
  sockets[0].emit("broadcast", "to all");
  for (let i = 0; i < crowd; i++) {
    assert.deepEqual(await broadcasts[i].next(), ["to all"]);
    assert.deepEqual(rooms[i].drain(), i % 2 ? [["to the odd ones"]] : []);
  }

  const gone = sockets.map((socket) => once(socket, "disconnect"));
  sockets.forEach((socket) => socket.emit("bye"));
  for (const [reason] of await Promise.all(gone)) {
    assert.equal(reason, "io server disconnect");
  }
});
