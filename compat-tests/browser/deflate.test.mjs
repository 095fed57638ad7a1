// Compressed WebSocket messages in a real browser: Chromium offers permessage-deflate by itself and inflates what it gets.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startServer } from "../lib/server.mjs";
import { startBrowser } from "./visitor.mjs";

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(["-deflate"])]);
});
after(() => Promise.all([browser?.close(), server?.kill()]));

/** A page of the server's origin. */
async function page(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  await page.goto(`${server.url}/engine.io/`); // a refusal, with a body; a page that did not come from the network could not open a WebSocket to it
  return page;
}

test("Chromium's WebSocket", async (t) => {
  const visitor = await page(t);
  const got = await visitor.evaluate(async () => {
    const ws = new WebSocket(`${location.origin.replace("http", "ws")}/engine.io/?EIO=4&transport=websocket`);
    ws.binaryType = "arraybuffer";
    const next = () => new Promise((resolve, reject) => {
      ws.onmessage = ({ data }) => resolve(data);
      ws.onerror = () => reject(new Error("the WebSocket failed"));
    });
    await next();
    const text = `4${"compress me, 🗜 ".repeat(10_000)}`;
    ws.send(text);
    const back = (await next()) === text;
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    ws.send(noise);
    const bytes = new Uint8Array(await next());
    const closed = new Promise((resolve) => (ws.onclose = ({ code }) => resolve(code)));
    ws.send(new Uint8Array(1_000_001));
    return { extensions: ws.extensions, back, bytes: bytes.every((b, i) => b === noise[i]) && bytes.length, code: await closed };
  });
  const extensions = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  assert.deepEqual(got, { extensions, back: true, bytes: 60_000, code: 1009 });
});

test("the official client", async (t) => {
  const visitor = await page(t);
  const bundle = join(import.meta.dirname, "..", "node_modules", "socket.io-client", "dist", "socket.io.js");
  await visitor.addScriptTag({ content: readFileSync(bundle, "utf8") });
  const got = await visitor.evaluate(async () => {
    const socket = window.io();
    await new Promise((resolve) => socket.on("connect", resolve));
    const { engine } = socket.io;
    if (engine.transport.name !== "websocket") {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    const text = "compress me, 🗜 ".repeat(10_000);
    const [said, data] = await new Promise((resolve) => socket.emit("ack", text, new Uint8Array(50_000), (...args) => resolve(args)));
    return { extensions: engine.transport.ws.extensions, said: said === text, data: data.byteLength };
  });
  assert.match(got.extensions, /permessage-deflate/);
  assert.deepEqual([got.said, got.data], [true, 50_000]);
});
