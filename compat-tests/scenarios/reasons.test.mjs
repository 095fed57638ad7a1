// Every way to part, and the reason that each side is told.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { reasonAtServer } from "../lib/parting.mjs";
import { ask, connect, connected, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");

/** Parts as said, and asserts what each side is told. */
async function part(t, way, how, atClient, atServer) {
  const witness = await connect(t, server.url, way);
  const socket = await settled(t, server.url, way);
  const { id } = socket;
  const gone = once(socket, "disconnect");
  await how(socket, witness);
  assert.equal((await gone)[0], atClient);
  assert.equal(await reasonAtServer(witness, id), atServer);
  return { witness, socket };
}

scenario("the client leaves", async (t, way) => {
  await part(t, way, (socket) => socket.disconnect(), "io client disconnect", "client namespace disconnect");
});

scenario("the client closes its connection", async (t, way) => {
  await part(t, way, (socket) => socket.io.engine.close(), "forced close", "transport close");
});

scenario("the server disconnects the socket", async (t, way) => {
  await part(t, way, (socket) => socket.emit("bye"), "io server disconnect", "server namespace disconnect");
});

scenario("the server closes the socket's connection", async (t, way) => {
  await part(t, way, (socket) => socket.emit("close"), "io server disconnect", "server namespace disconnect");
});

for (const closing of [false, true]) {
  scenario(`the server disconnects a room${closing ? ", and closes the connections" : ""}`, async (t, way) => {
    const kick = async (socket, witness) => {
      await ask(socket, "join", "doomed");
      witness.emit("kick", "doomed", closing);
    };
    const { witness } = await part(t, way, kick, "io server disconnect", "server namespace disconnect");
    assert.equal(witness.connected, true);
    assert.deepEqual((await ask(witness, "members", "doomed")), [[]]);
  });
}

scenario("one namespace is left, and the server is told of that one", async (t, way) => {
  const root = await settled(t, server.url, way);
  const chat = root.io.socket("/chat");
  await connected(chat);
  const witness = await connect(t, `${server.url}/chat`, way);
  const [{ id }] = await ask(chat, "whoami");
  chat.disconnect();
  assert.equal(await reasonAtServer(witness, id), "client namespace disconnect");
  assert.deepEqual(await ask(root, "reason", root.id), [null]);
});
