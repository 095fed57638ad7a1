// WebSockets over HTTP/2 (RFC 8441) in a real browser: Chromium opens none of its own when the page's connection takes them.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import { certify } from "../lib/certificate.mjs";
import { startDemo } from "../lib/demo.mjs";
import { startBrowser } from "./visitor.mjs";

let browser;
let demo;
let proxy;
let connections = 0;

before(async () => {
  process.env.GODEBUG = "http2xconnect=1"; // the demo inherits it
  [browser, demo] = await Promise.all([startBrowser(), startDemo(certify())]);
  // What the browser connects to, so that its connections can be counted.
  proxy = createServer((incoming) => {
    connections++;
    const outgoing = connect(demo.port, demo.host);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  await browser?.close();
  proxy?.close();
  await demo?.kill();
});

test("the WebSocket shares the page's connection", async (t) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  await page.goto(`https://127.0.0.1:${proxy.address().port}/socket.io/socket.io.js`);
  const before = connections;
  const got = await page.evaluate(async () => {
    const protocol = performance.getEntriesByType("navigation")[0].nextHopProtocol;
    const ws = new WebSocket(`${location.origin.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    const next = () => new Promise((resolve, reject) => {
      ws.onmessage = ({ data }) => resolve(data);
      ws.onerror = () => reject(new Error("the WebSocket failed"));
    });
    const open = await next();
    ws.send("40");
    await next();
    const text = `42["message","${"over HTTP/2 ".repeat(10_000)}"]`;
    ws.send(text);
    const back = (await next()) === text;
    const closed = new Promise((resolve) => (ws.onclose = ({ wasClean }) => resolve(wasClean)));
    ws.close();
    return { protocol, open: open.slice(0, 2), back, clean: await closed };
  });
  assert.deepEqual(got, { protocol: "h2", open: "0{", back: true, clean: true });
  assert.equal(connections, before);
});
