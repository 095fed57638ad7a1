// The page of the admin UI in a real browser, connected to an official server whose cluster ours is in.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { pubsub } from "../cluster/wires.mjs";
import { startRedis } from "../lib/redis.mjs";
import { startOfficial, startServer } from "../lib/server.mjs";
import { ask, connect, plainly } from "../lib/suite.mjs";
import { startBrowser } from "./visitor.mjs";

const dist = join(import.meta.dirname, "..", "node_modules", "@socket.io", "admin-ui", "ui", "dist");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

/** Serves the page, which can be anywhere. */
function servePage() {
  const http = createServer(({ url }, response) => {
    const file = url === "/" ? "index.html" : url.slice(1);
    response.writeHead(200, { "Content-Type": types[extname(file)] }).end(readFileSync(join(dist, file)));
  });
  return new Promise((resolve) => http.listen(0, "127.0.0.1", () => resolve(http)));
}

const ends = [];
let browser, official, server, url;

before(async () => {
  const redis = await startRedis();
  ends.push(() => redis.kill());
  const flags = pubsub.flags(redis.address, "admin");
  browser = await startBrowser();
  ends.unshift(() => browser.close());
  [official, server] = await Promise.all([startOfficial([...flags, "-admin", "development"]), startServer(flags)]);
  ends.unshift(() => official.kill(), () => server.kill());
  const http = await servePage();
  ends.unshift(() => http.close());
  url = `http://127.0.0.1:${http.address().port}`;
});
after(async () => {
  for (const end of ends) {
    await end();
  }
});

test("the admin UI lists the clients of our server, and disconnects one", async (t) => {
  const [first, second] = [await connect(t, server.url, plainly), await connect(t, server.url, plainly)];
  for (const client of [first, second]) {
    await ask(client, "keep-admin");
  }
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  await context.route(/^https:/, (route) => route.abort()); // fonts from elsewhere
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel("Server URL").fill(official.url);
  await page.getByRole("button", { name: "Connect" }).click();

  const list = () => page.getByRole("navigation").getByRole("link", { name: "Sockets" }).click();
  const row = (id) => page.getByRole("row").filter({ hasText: id }).filter({ hasText: "127.0.0.1" }).filter({ hasText: "WebSocket" });
  await list();
  const [stays, leaves] = [first.id, second.id];
  await row(stays).waitFor();
  await row(leaves).waitFor();
  const gone = once(second, "disconnect");
  await row(leaves).getByRole("button").click();
  assert.equal((await gone)[0], "io server disconnect");
  assert.deepEqual(await ask(first, "ack", 1), [1]);

  await page.reload();
  await list();
  await row(stays).waitFor();
  assert.equal(await row(leaves).count(), 0);
});
