// Official clients of `socketio serve -hooks`: a backend in Node.js that the test controls, and the example in Python.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { Inbox } from "../lib/inbox.mjs";
import { freePorts } from "../lib/ports.mjs";
import { Process } from "../lib/process.mjs";
import { ask, connect, open, plainly, record, scenario } from "../lib/suite.mjs";

const root = join(import.meta.dirname, "..", "..");
const key = Buffer.from("0123456789abcdefghijklmnopqrstuv");
const secret = `whsec_${key.toString("base64")}`;
const token = "0123456789abcdef0123456789abcdef";

/** A backend on a port of 127.0.0.1 whose answers are handle(type, data). */
function startBackend(port, handle) {
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) {
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = request.headers;
    const want = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
    if (signature !== `v1,${want}`) {
      response.writeHead(401).end();
      return;
    }
    const { type, data } = JSON.parse(body);
    response.end(JSON.stringify(handle(type, data)));
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

/** Ends a backend at once. */
function stopBackend(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** Starts `socketio serve` with a backend at url. */
async function serve(url, ...flags) {
  const args = ["serve", "-addr", "127.0.0.1:0", "-hooks", url, "-hooks-secret", secret, ...flags];
  const server = new Process(process.env.COMPAT_DEMO, args, { cwd: root, pattern: /listening on (http:\/\/127\.0\.0\.1:\d+)/ });
  return { process: server, url: (await server.line)[1] };
}

const heard = new Map(); // by the name of a client
let port, backend, server;

/** What the backend hears of a client that has a name of its own. */
function newClient() {
  const name = `client ${heard.size}`;
  heard.set(name, new Inbox(`requests about ${name}`));
  return { auth: { name }, requests: heard.get(name) };
}

function handle(type, data) {
  if (type === "connect") {
    const { name } = data.handshake.auth;
    return name ? { rooms: [name], values: { name } } : { error: { message: "who are you?", data: { code: 7 } } };
  }
  if (type === "event") {
    heard.get(data.values.name).push([data.event, ...data.args]);
    return data.event === "no" ? { error: { message: "not allowed" } } : data.args;
  }
  heard.get(data.values.name).push([type, data.reason]);
}

before(async () => {
  [port] = await freePorts(1);
  backend = await startBackend(port, handle);
  server = await serve(`http://127.0.0.1:${port}`, "-hooks-timeout", "2s");
});
after(async () => {
  await server.process.kill();
  await stopBackend(backend);
});

scenario("a backend refuses clients, answers events, and is told of the disconnect", { newest: true, usual: true }, async (t, way) => {
  const refused = open(t, server.url, way);
  const [error] = await once(refused, "connect_error");
  assert.equal(error.message, "who are you?");
  assert.deepEqual(error.data, { code: 7 });

  const { auth, requests } = newClient();
  const client = await connect(t, server.url, way, { auth });
  const args = ["<héllo>", { file: Buffer.from([0, 1, 2]), n: 1.5 }, null];
  client.emit("silent", ...args);
  assert.deepEqual(await ask(client, "echo", ...args), args);
  assert.deepEqual(await ask(client, "no"), [{ error: { message: "not allowed" } }]);
  const inJSON = ["<héllo>", { file: { base64: "AAEC" }, n: 1.5 }, null];
  assert.deepEqual(await requests.take(3), [["silent", ...inJSON], ["echo", ...inJSON], ["no"]]);
  client.disconnect();
  assert.deepEqual(await requests.next(), ["disconnect", "client namespace disconnect"]);
});

test("a client with retries loses nothing while the backend is away", async (t) => {
  const { auth, requests } = newClient();
  const client = await connect(t, server.url, plainly, { auth, retries: 100, ackTimeout: 300 });
  await stopBackend(backend);
  const acks = [1, 2, 3].map((n) => new Promise((resolve) => client.emit("count", n, (_, answer) => resolve(answer))));
  const refused = open(t, server.url, plainly, { auth });
  const [error] = await once(refused, "connect_error");
  assert.equal(error.message, "backend unavailable");
  assert.ok(client.connected);
  backend = await startBackend(port, handle);
  assert.deepEqual(await Promise.all(acks), [1, 2, 3]);
  const inOrder = requests.drain().map(([, n]) => n).filter((n, i, all) => n !== all[i - 1]); // one may come twice
  assert.deepEqual(inOrder, [1, 2, 3]);
});

scenario("a chat whose backend is Python", { newest: true, usual: true }, async (t, way) => {
  const [hooks, api] = await freePorts(2);
  const env = [`SOCKETIO_HOOKS_SECRET=${secret}`, `SOCKETIO_API_TOKEN=${token}`, `API=http://127.0.0.1:${api}`, `PORT=${hooks}`];
  const python = new Process("env", [...env, "python3", "examples/backend/chat.py"], { cwd: root });
  t.after(() => python.kill());
  const chat = await serve(`http://127.0.0.1:${hooks}`, "-api-addr", String(api), "-api-token", token);
  t.after(() => chat.process.kill());

  const nobody = open(t, chat.url, way);
  const [error] = await once(nobody, "connect_error");
  assert.equal(error.message, "who are you?");
  const ann = await connect(t, chat.url, way, { auth: { name: "Ann" } });
  const bob = await connect(t, chat.url, way, { auth: { name: "Bob" } });
  const [atAnn, atBob, left] = [record(ann, "message"), record(bob, "message"), record(bob, "left")];
  assert.deepEqual(await ask(ann, "message", "hello", { file: Buffer.from([1, 2]) }), ["sent"]);
  for (const inbox of [atAnn, atBob]) {
    assert.deepEqual(await inbox.next(), ["Ann", "hello", { file: Buffer.from([1, 2]) }]);
  }
  for (let i = 0; i < 20; i++) {
    bob.emit("message", i);
  }
  assert.deepEqual(await atAnn.take(20), Array.from({ length: 20 }, (_, i) => ["Bob", i]));
  ann.disconnect();
  assert.deepEqual(await left.next(), ["Ann"]);
});
