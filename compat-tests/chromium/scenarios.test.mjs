// Bundles of the official client in a real browser, whose requests and WebSockets are not Node's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { noted } from "../lib/results.mjs";
import { startServer } from "../lib/server.mjs";
import { startBrowser } from "../browser/visitor.mjs";

const bundle = (name) => readFileSync(join(import.meta.dirname, "..", "node_modules", name, "dist", "socket.io.js"), "utf8");
const helpers = readFileSync(join(import.meta.dirname, "page.js"), "utf8");

const polling = { name: "polling", settings: { transports: ["polling"] } };
const websocket = { name: "websocket", settings: { transports: ["websocket"] } };
const upgrade = { name: "upgrade", settings: {} };
const jsonp = { name: "JSONP", settings: { transports: ["polling"], forceJSONP: true } };
const all = [
  { version: "1.7.4", package: "socket.io-client-v1", old: true, ways: [jsonp], ascii: true }, // it spoils the rest on its way through JSONP
  { version: "2.5.0", package: "socket.io-client-v2", old: true, ways: [polling, websocket, upgrade, jsonp] },
  { version: "4.8.4", package: "socket.io-client", old: false, ways: [polling, websocket, upgrade] },
];
const chosen = process.env.COMPAT_CLIENTS.split(" ");
const clients = all.filter(({ version }) => chosen.includes(version));

let browser, server;
before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(["-eio3"])]);
});
after(() => Promise.all([browser?.close(), server?.kill()]));

// The values are here twice: what runs in the page sees nothing of this file.

/**
 * Declares a scenario: run happens in the page, with what page.js has, and gets info; what it resolves with is expected to be
 * what expect returns for info.
 */
function scenario(name, run, expect) {
  describe(name, () => {
    for (const client of clients) {
      for (const way of client.ways) {
        const cell = { scenario: name, client: `${client.version} in Chromium`, transport: way.name };
        const body = async (t) => {
          const context = await browser.newContext();
          t.after(() => context.close());
          context.setDefaultTimeout(8_000);
          const page = await context.newPage();
          await page.route("**/page.html", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>page</title>" }));
          await page.goto(`${server.url}/page.html`);
          await page.addScriptTag({ content: bundle(client.package) });
          await page.addScriptTag({ content: helpers });
          const info = { old: client.old, ascii: Boolean(client.ascii), settles: ["websocket", "upgrade"].includes(way.name) ? "websocket" : "polling" };
          await page.evaluate((settings) => (window.settings = settings), way.settings);
          assert.deepEqual(await page.evaluate(run, info), expect(info));
        };
        test(`${client.version} over ${way.name}`, { timeout: 20_000 }, noted(cell, body));
      }
    }
  });
}

scenario(
  "a client connects, and is known to the server",
  async ({ settles }) => {
    const socket = await connect();
    await settled(socket, settles);
    const [who] = await ask(socket, "whoami");
    return [who.id === socket.id, who.namespace, who.rooms.length, who.transport];
  },
  ({ settles }) => [true, "/", 1, settles],
);

const values = ["", "1", 0, -1.5, 2 ** 53 - 1, true, null, [], {}, [[1, [2]]], { a: { b: [null] } }, "line\nbreak \\n \\\\ \" '", "</script>&+%"];
const unicode = ["€ 🔑 é", "\u2028\u2029", { "ключ 🔑": "значение" }];
scenario(
  "what JSON can say comes back",
  async ({ ascii }) => {
    const socket = await connect();
    const values = ["", "1", 0, -1.5, 2 ** 53 - 1, true, null, [], {}, [[1, [2]]], { a: { b: [null] } }, "line\nbreak \\n \\\\ \" '", "</script>&+%"];
    const unicode = ["€ 🔑 é", "\u2028\u2029", { "ключ 🔑": "значение" }];
    return ask(socket, "ack", ...values, ...(ascii ? [] : unicode));
  },
  ({ ascii }) => [...values, ...(ascii ? [] : unicode)],
);

scenario(
  "binary comes back, nested too",
  async () => {
    const socket = await connect();
    const echo = next(socket, "echo");
    socket.emit("echo", new Uint8Array([1, 2, 255]).buffer, { deep: [new ArrayBuffer(0), new Uint8Array([0]).buffer] });
    return [await echo, await ask(socket, "ack", new Uint8Array(65_536).fill(7).buffer)];
  },
  () => [
    [{ bytes: [1, 2, 255] }, { deep: [{ bytes: [] }, { bytes: [0] }] }],
    [{ length: 65_536, sum: new Uint8Array(65_536).fill(7).reduce((a, b) => (a * 31 + b) % 1_000_003, 7) }],
  ],
);

scenario(
  "both sides acknowledge",
  async () => {
    const socket = await connect();
    socket.on("question", (n, answer) => answer(n + 1, "yes"));
    const answered = next(socket, "answered");
    socket.emit("ask");
    return [await answered, await ask(socket, "ack"), await ask(socket, "poll", socket.id, 50, "?")];
  },
  () => [[43, "yes"], [], ["operation has timed out", []]],
);

scenario(
  "two clients talk in a room, in order",
  async () => {
    const [a, b] = await Promise.all([connect(), connect()]);
    const room = `room of ${a.id}`;
    await Promise.all([ask(a, "join", room), ask(b, "join", room)]);
    const heard = [];
    const enough = new Promise((resolve) => b.on("room", (n) => heard.push(n) === 100 && resolve()));
    for (let i = 0; i < 100; i++) {
      a.emit("room", room, i);
    }
    await enough;
    return heard;
  },
  () => Array.from({ length: 100 }, (_, i) => i),
);

scenario(
  "namespaces share a connection, and may refuse",
  async ({ old }) => {
    const root = await connect();
    const chat = root.io.socket("/chat");
    await next(chat, "connect");
    const made = root.io.socket("/dynamic-5");
    await next(made, "connect");
    const refused = root.io.socket("/refused");
    const [error] = await next(refused, old ? "error" : "connect_error");
    return [(await ask(chat, "whoami"))[0].namespace, (await ask(made, "whoami"))[0].namespace, error, await ask(root, "ack", "here")];
  },
  ({ old }) => {
    const data = { code: 401, hint: ["p", "l", "e"] };
    return ["/chat", "/dynamic-5", old ? data : { message: "say the word", data }, ["here"]];
  },
);

scenario(
  "each side may part, and the client knows who did",
  async () => {
    const reasons = [];
    for (const part of [(socket) => socket.emit("bye"), (socket) => socket.close(), (socket) => socket.io.engine.close()]) {
      const socket = await connect();
      const gone = next(socket, "disconnect");
      part(socket);
      reasons.push((await gone)[0]);
    }
    return reasons;
  },
  () => ["io server disconnect", "io client disconnect", "forced close"],
);

scenario(
  "a client whose connection broke comes back",
  async (info) => {
    const socket = await connect("/", { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 20 });
    // A close during the upgrade waits for it, and swallows what is sent meanwhile.
    await settled(socket, info.settles);
    const before = socket.id;
    const again = next(socket, "connect");
    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    await gone; // an engine that has something to write closes later, and swallows what it is given until then
    socket.emit("message", "meanwhile");
    const back = next(socket, "message-back");
    await again;
    return [socket.id !== before, await back];
  },
  () => [true, ["meanwhile"]],
);
