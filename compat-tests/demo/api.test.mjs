// The HTTP API, with which a backend in any language sends: what it does reaches official clients.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { freePorts } from "../lib/ports.mjs";
import { record, scenario, settled, useDemo } from "../lib/suite.mjs";

const token = "0123456789abcdef0123456789abcdef";
let api;
const demo = useDemo(async () => {
  const [port] = await freePorts(1);
  api = `http://127.0.0.1:${port}/api`;
  return { flags: ["-api-addr", String(port), "-api-token", token] };
});

/** Sends a request to the API, and returns its answer: an object, or undefined for a 204. */
async function call(path, body) {
  const response = await fetch(`${api}/${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

scenario("a backend emits to everybody, to rooms, and to one socket", { newest: true, usual: true }, async (t, way) => {
  const clients = await Promise.all([settled(t, demo.url, way), settled(t, demo.url, way)]);
  const inboxes = clients.map((client) => record(client, "news"));
  const [ann, ben] = clients;

  await call("emit", { event: "news", args: [1, { picture: { base64: "AAEC" } }, "grüße 🌍", null] });
  for (const inbox of inboxes) {
    assert.deepEqual(await inbox.next(), [1, { picture: Buffer.from([0, 1, 2]) }, "grüße 🌍", null]);
  }
  await call("join", { rooms: [ann.id], join: ["lobby", "hall"] });
  await call("emit", { rooms: ["lobby"], event: "news", args: ["for the lobby"] });
  await call("emit", { except: ["hall"], event: "news", args: ["for the others"] });
  await call("emit", { rooms: [ann.id], event: "news", args: ["for one"], compress: false });
  assert.deepEqual(await inboxes[0].next(), ["for the lobby"]);
  assert.deepEqual(await inboxes[0].next(), ["for one"]);
  assert.deepEqual(await inboxes[1].next(), ["for the others"]);

  const { sockets } = await call("sockets?rooms=hall");
  assert.deepEqual(sockets.map(({ id, rooms }) => [id, rooms.toSorted()]), [[ann.id, [ann.id, "hall", "lobby"].toSorted()]]);
  await call("leave", { rooms: ["hall"], leave: ["hall", "lobby"] });
  assert.deepEqual((await call("sockets?rooms=hall&rooms=lobby")).sockets, []);

  const left = once(ben, "disconnect");
  await call("disconnect", { rooms: [ben.id] });
  assert.equal((await left)[0], "io server disconnect");
});

scenario("a backend waits for acknowledgements", { newest: true, usual: true }, async (t, way) => {
  const clients = await Promise.all([settled(t, demo.url, way), settled(t, demo.url, way)]);
  const [quick, silent] = clients;
  quick.on("question", (n, answer) => answer(n + 1, Buffer.from([7])));
  const asked = record(silent, "question");
  const rooms = clients.map(({ id }) => id);

  let answers;
  for (const timeout of [300, 4_000]) { // on a busy machine the quick one, too, may be too late the first time
    answers = await call("emit", { rooms, event: "question", args: [41], ack: { timeout } });
    if (answers.missing === 1) {
      break;
    }
  }
  assert.deepEqual(answers.answers, [{ id: quick.id, args: [42, { base64: "Bw==" }] }]);
  assert.equal(answers.missing, 1);
  assert.match(answers.errors[0], /timed out/);
  assert.equal((await asked.next())[0], 41);
});
