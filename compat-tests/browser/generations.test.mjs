// The bundles of several generations of the official client in a real browser, JSONP included: they talk to each other.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "../lib/server.mjs";
import { bundle, openPage } from "./page.mjs";
import { startBrowser } from "./visitor.mjs";

const clients = [
  { name: "1.7.4 over JSONP", script: () => bundle("socket.io-client-v1"), options: { forceJSONP: true, transports: ["polling"] }, jsonp: true, ascii: true },
  { name: "2.5.0 over JSONP", script: () => bundle("socket.io-client-v2"), options: { forceJSONP: true, transports: ["polling"] }, jsonp: true },
  { name: "2.5.0 over JSONP, then WebSocket", script: () => bundle("socket.io-client-v2"), options: { forceJSONP: true }, jsonp: true, upgrades: true },
  { name: "2.5.0 over polling", script: () => bundle("socket.io-client-v2"), options: { transports: ["polling"] } },
  { name: "2.5.0", script: () => bundle("socket.io-client-v2"), options: {}, upgrades: true },
];
const newest = { name: "4.8.4", script: () => bundle("socket.io-client"), options: {} };

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(["-eio3"])]);
});
after(() => Promise.all([browser?.close(), server?.kill()]));

// The client 1.7.4 spoils what is not ASCII on its way through JSONP, with the official server too.
const ascii = ["plain", "line\nbreak \\n and \\\\n", "</script> '\"&+%"];
const unicode = ["plain", "line\nbreak \\n and \\\\n", "€ 🔑 \u2028\u2029 </script> '\"&+%"];

for (const client of clients) {
  test(`${client.name} and ${newest.name} talk`, async (t) => {
    const old = await openPage(t, browser, server.url, client);
    const young = await openPage(t, browser, server.url, newest);
    const texts = client.ascii ? ascii : unicode;
    const room = `room of ${client.name}`;
    for (const { page } of [old, young]) {
      await page.evaluate((name) => window.ask("join", name), room);
    }
    for (const from of [old, young]) {
      for (const text of texts) {
        await from.page.evaluate(([name, said]) => window.socket.emit("room", name, said), [room, text]);
      }
      for (const { page } of [old, young]) {
        await page.waitForFunction((n) => window.received.length === n, texts.length);
        assert.deepEqual(await page.evaluate(() => window.received.splice(0)), texts.map((text) => [text]));
      }
    }
    const [back] = await old.page.evaluate(async () => {
      const [data] = await window.ask("ack", new Uint8Array([1, 2, 255]).buffer);
      return [[...new Uint8Array(data)]];
    });
    assert.deepEqual(back, [1, 2, 255]);
    const transport = await old.page.evaluate(() => window.socket.io.engine.transport.name);
    assert.equal(transport, client.upgrades ? "websocket" : "polling");
    assert.equal(old.requests.some((url) => /[?&]j=\d/.test(url)), Boolean(client.jsonp));
  });
}
