import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, connect, overEachTransport, record, upgraded, useServer } from "../lib/suite.mjs";

const limit = 1_000_000;
const server = useServer();

/** A text that makes the packet of emit("message", text) exactly that many bytes long on the wire. */
function filling(bytes) {
  return "x".repeat(bytes - '42["message",""]'.length);
}

overEachTransport((transport) => {
  /** A client whose connection has found its transport: a message must not be split between two. */
  async function settled(t) {
    const socket = await connect(t, server.url, transport);
    if (transport.name !== "polling") {
      await upgraded(socket);
    }
    return socket;
  }

  test("a message of exactly the limit passes, with characters of several bytes too", async (t) => {
    const socket = await settled(t);
    const back = record(socket, "message-back");
    for (const text of [filling(limit), `${filling(limit - 6)}€€`]) {
      socket.emit("message", text);
      const [answer] = await back.next();
      assert.equal(answer.length, text.length);
      assert.equal(answer, text);
    }
  });

  test("a message one byte above the limit costs the connection", async (t) => {
    const socket = await settled(t);
    const gone = once(socket, "disconnect");
    socket.emit("message", filling(limit + 1));
    const [reason] = await gone;
    assert.equal(reason, transport.name === "polling" ? "transport error" : "transport close");
    const again = await settled(t);
    assert.deepEqual(await ask(again, "ack", "the server goes on"), ["the server goes on"]);
  });

  test("bytes above the limit cost the connection", async (t) => {
    const socket = await settled(t);
    const gone = once(socket, "disconnect");
    socket.emit("bin", Buffer.alloc(limit + 1));
    await gone;
  });
});

test("a burst is cut into requests that respect the limit announced", async (t) => {
  const small = await startServer(["-max-payload", "1000"]);
  t.after(() => small.kill());
  const socket = await connect(t, small.url, { options: { transports: ["polling"] } });
  const back = record(socket, "message-back");
  const sent = Array.from({ length: 100 }, (_, i) => [i, "x".repeat(100)]);
  for (const args of sent) {
    socket.emit("message", ...args);
  }
  assert.deepEqual(await back.take(sent.length), sent);
});
