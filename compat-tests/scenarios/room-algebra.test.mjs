// Who hears what is said to sets of rooms, and how the server moves sockets between them.

import assert from "node:assert/strict";
import { ask, connect, record, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

/** Four sockets: one in "red", one in "blue", one in both, one in neither; and who of them has heard something. */
async function crowd(t, way) {
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connect(t, server.url, way)));
  const [red, blue, both] = sockets;
  await Promise.all([ask(red, "join", "red"), ask(blue, "join", "blue"), ask(both, "join", "red"), ask(both, "join", "blue")]);
  const inboxes = sockets.map((socket) => record(socket, "room"));
  const heard = async () => {
    const lists = [];
    for (const [i, socket] of sockets.entries()) {
      await ask(socket, "ack"); // behind which everything said before has come
      lists.push(inboxes[i].drain().map(([what]) => what));
    }
    return lists;
  };
  return { sockets, heard };
}

scenario("a union of rooms hears once", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  sockets[3].emit("algebra", ["red", "blue"], [], "x");
  await ask(sockets[3], "ack");
  assert.deepEqual(await heard(), [["x"], ["x"], ["x"], []]);
});

scenario("a room without those in another one", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  sockets[3].emit("algebra", ["red"], ["blue"], "x");
  await ask(sockets[3], "ack");
  assert.deepEqual(await heard(), [["x"], [], [], []]);
});

scenario("rooms without one socket", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  sockets[3].emit("algebra", ["red", "blue"], [sockets[2].id], "x");
  await ask(sockets[3], "ack");
  assert.deepEqual(await heard(), [["x"], ["x"], [], []]);
});

scenario("everybody else", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  sockets[0].emit("others", [], [], "x");
  await ask(sockets[0], "ack");
  assert.deepEqual(await heard(), [[], ["x"], ["x"], ["x"]]);
});

scenario("everybody else in a room, without those in another one", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  sockets[0].emit("others", ["red"], [], "x");
  sockets[0].emit("others", ["red"], ["blue"], "y");
  await ask(sockets[0], "ack");
  sockets[1].emit("others", ["red", "blue"], ["nobody"], "z");
  await ask(sockets[1], "ack");
  assert.deepEqual(await heard(), [["z"], [], ["x", "z"], []]);
});

scenario("the server lists a room", async (t, way) => {
  const { sockets } = await crowd(t, way);
  const members = async (room) => (await ask(sockets[3], "members", room))[0].toSorted();
  assert.deepEqual(await members("red"), [sockets[0].id, sockets[2].id].toSorted());
  assert.deepEqual(await members(sockets[3].id), [sockets[3].id]);
  assert.deepEqual(await members("nobody"), []);
});

scenario("the server lets a whole room join and leave another one", async (t, way) => {
  const { sockets, heard } = await crowd(t, way);
  await ask(sockets[3], "gather", "red", "green");
  sockets[3].emit("algebra", ["green"], [], "gathered");
  await ask(sockets[3], "scatter", "blue", "green");
  sockets[3].emit("algebra", ["green"], [], "scattered");
  await ask(sockets[3], "ack");
  assert.deepEqual(await heard(), [["gathered", "scattered"], [], ["gathered"], []]);
});
