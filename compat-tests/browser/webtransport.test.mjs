// WebTransport with the official client in a real browser. The certificate is the server's own, for ten days, and known to the page by
// its hash.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { covers } from "../lib/covers.mjs";
import { startServer } from "../lib/server.mjs";
import { startBrowser } from "./visitor.mjs";

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser({ quic: true }), startServer(["-webtransport"])]);
});
after(() => Promise.all([browser?.close(), server?.kill()]));

/** A page of the server's origin with the client, connected with options; window.socket is its socket. */
async function visit(t, options) {
  const context = await browser.newContext();
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  await page.goto(`${server.url}/certificate`); // a page from the network, which is the hash
  const bundle = join(import.meta.dirname, "..", "node_modules", "socket.io-client", "dist", "socket.io.js");
  await page.addScriptTag({ content: readFileSync(bundle, "utf8") });
  await page.evaluate(async (settings) => {
    const value = Uint8Array.from(document.body.textContent.match(/../g), (byte) => Number.parseInt(byte, 16));
    window.certificate = { serverCertificateHashes: [{ algorithm: "sha-256", value }] };
    window.socket = window.io({ reconnection: false, transportOptions: { webtransport: window.certificate }, ...settings });
    // Emits count numbers, pause milliseconds apart, and resolves with what comes back.
    window.volley = async (count, pause) => {
      const received = [];
      const all = new Promise((resolve) => window.socket.on("echo", (n) => received.push(n) === count && resolve()));
      for (let n = 0; n < count; n++) {
        window.socket.emit("echo", n);
        await (pause && new Promise((resolve) => setTimeout(resolve, pause)));
      }
      await all;
      window.socket.off("echo");
      return received;
    };
    window.ask = (...args) => window.socket.timeout(8_000).emitWithAck(...args);
    await new Promise((resolve, reject) => {
      window.socket.on("connect", () => {
        window.meanwhile = settings.transports.length > 1 && window.volley(200, 1);
        resolve();
      });
      window.socket.on("connect_error", (error) => reject(new Error(`${error} ${error.description ?? ""}`)));
    });
  }, options);
  return page;
}

/** Waits until the connection of the page has moved to WebTransport. */
function upgraded(page) {
  return page.evaluate(async () => {
    const { engine } = window.socket.io;
    if (engine.transport.name !== "webtransport") {
      await new Promise((resolve) => engine.on("upgrade", resolve));
    }
    return engine.transport.name;
  });
}

/** What goes there and back, on a connection that both sides take for WebTransport. */
async function talks(page) {
  assert.equal(await page.evaluate(() => window.socket.io.engine.transport.name), "webtransport");
  assert.equal((await page.evaluate(() => window.ask("whoami"))).transport, "webtransport");
  const said = await page.evaluate(async () => {
    const texts = ["plain", "€ 🔑 \u2028", "x".repeat(900_000)];
    const back = [];
    for (const text of texts) {
      back.push((await window.ask("ack", text)) === text);
    }
    return back;
  });
  assert.deepEqual(said, [true, true, true]);
  const sizes = await page.evaluate(async () => {
    const back = [];
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 900_000]) {
      const data = new Uint8Array(size).map((_, i) => i);
      const got = await new Promise((resolve) => window.socket.emit("ack", { data: data.buffer }, resolve));
      const bytes = new Uint8Array(got.data);
      back.push(bytes.every((byte, i) => byte === data[i]) && bytes.length);
    }
    return back;
  });
  assert.deepEqual(sizes, [0, 1, 125, 126, 65_535, 65_536, 900_000]);
  const order = await page.evaluate(() => window.volley(1_000, 0));
  assert.deepEqual(order, Array.from({ length: 1_000 }, (_, n) => n));
}

test("direct", async (t) => {
  const page = await visit(t, { transports: ["webtransport"] });
  await talks(page);
});

test("the upgrade from polling", async (t) => {
  // Given the choice, the client takes WebSocket when WebTransport needs more than 200 ms, as on a busy machine.
  const page = await visit(t, { transports: ["polling", "webtransport"] });
  assert.equal(await upgraded(page), "webtransport");
  assert.deepEqual(await page.evaluate(() => window.meanwhile), Array.from({ length: 200 }, (_, n) => n)); // none lost, none twice
  await talks(page);
});

test("Blobs, sent and received", async (t) => {
  covers("extra/engine-parser/browser/8 extra/engine-parser/browser/9");
  const page = await visit(t, { transports: ["webtransport"] });
  const got = await page.evaluate(async () => {
    const options = { forceNew: true, reconnection: false, transports: ["webtransport"], transportOptions: { webtransport: window.certificate } };
    const socket = window.io(options);
    socket.io.engine.binaryType = "blob"; // looked at when the stream has been opened
    const data = await socket.timeout(8_000).emitWithAck("ack", new Blob(["a", new Uint8Array([0, 255])]));
    socket.disconnect();
    return [data instanceof Blob, [...new Uint8Array(await data.arrayBuffer())]];
  });
  assert.deepEqual(got, [true, [97, 0, 255]]);
});

test("a page that asks for it is told why the server closes", async (t) => {
  const page = await visit(t, { transports: ["webtransport"] });
  const reason = await page.evaluate(() => new Promise((resolve) => {
    window.socket.on("disconnect", resolve);
    window.socket.emit("close");
  }));
  assert.equal(reason, "io server disconnect");
});

test("WebSocket is used where WebTransport does not come about", async (t) => {
  const page = await visit(t, {
    transports: ["polling", "websocket", "webtransport"],
    transportOptions: { webtransport: { serverCertificateHashes: [{ algorithm: "sha-256", value: new Uint8Array(32) }] } },
  });
  const name = await page.evaluate(async () => {
    const { engine } = window.socket.io;
    if (engine.transport.name === "polling") {
      await new Promise((resolve) => engine.on("upgrade", resolve));
    }
    return engine.transport.name;
  });
  assert.equal(name, "websocket");
  assert.equal(await page.evaluate(() => window.ask("ack", "hello")), "hello");
});
