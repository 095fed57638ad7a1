import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, connect, record, scenario, settled, useServer } from "../lib/suite.mjs";

const limit = 1_000_000;
const server = useServer("-eio3");

/** A text that makes the packet of emit("message", text) exactly that many bytes long on the wire. */
function filling(bytes) {
  return "x".repeat(bytes - '42["message",""]'.length);
}

scenario("a message of exactly the limit passes, with characters of several bytes too", { from: "3.0", usual: true }, async (t, way) => {
  const socket = await settled(t, server.url, way);
  const back = record(socket, "message-back");
  for (const text of [filling(limit), `${filling(limit - 6)}€€`]) {
    socket.emit("message", text);
    const [answer] = await back.next();
    assert.equal(answer.length, text.length);
    assert.equal(answer, text);
  }
});

scenario("a message one byte above the limit costs the connection", async (t, way) => {
  const socket = await settled(t, server.url, way);
  const gone = once(socket, "disconnect");
  socket.emit("message", filling(limit + 1));
  const [reason] = await gone;
  // Over polling the 413 and the close packet of the parked GET are on two connections: either may come first.
  const reasons = way.settles === "polling" ? ["transport error", "transport close"] : ["transport close"];
  assert.ok(reasons.includes(reason), reason);
  const again = await settled(t, server.url, way);
  assert.deepEqual(await ask(again, "ack", "the server goes on"), ["the server goes on"]);
});

scenario("bytes above the limit cost the connection", async (t, way) => {
  const socket = await settled(t, server.url, way);
  const gone = once(socket, "disconnect");
  socket.emit("bin", Buffer.alloc(limit + 1));
  await gone;
});

scenario("a burst is cut into requests that respect the limit announced", { from: "4.6", transports: ["polling"] }, async (t, way) => {
  const small = await startServer(["-max-payload", "1000"]);
  t.after(() => small.kill());
  const socket = await connect(t, small.url, way);
  const back = record(socket, "message-back");
  const sent = Array.from({ length: 100 }, (_, i) => [i, "x".repeat(100)]);
  for (const args of sent) {
    socket.emit("message", ...args);
  }
  assert.deepEqual(await back.take(sent.length), sent);
});
