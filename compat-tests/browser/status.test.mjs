// The page of `socketio serve` in a real browser, on a desktop and on a phone: what it says to copy works as it is.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startServe } from "../lib/demo.mjs";
import { artifacts, PHONE, startBrowser } from "./visitor.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser?.close());

for (const path of ["/socket.io/", "/another/path/"]) {
  test(`a page with the snippet of the status page connects, path ${path}`, async (t) => {
    const server = await startServe({ flags: ["-path", path] });
    t.after(() => server.kill());
    const context = await browser.newContext({ viewport: { width: 1000, height: 940 } });
    t.after(() => context.close());
    context.setDefaultTimeout(8_000);
    const page = await context.newPage();
    const complaints = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.goto(server.url);
    assert.deepEqual(complaints, []); // such as of what the page's own policy forbids
    mkdirSync(artifacts, { recursive: true });
    await page.screenshot({ path: join(artifacts, `serve${path.replaceAll("/", "-")}.png`), fullPage: true });

    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    await page.setViewportSize(PHONE);
    assert.deepEqual([wide, await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)], [false, false]);

    const snippet = await page.locator("pre").first().innerText();
    assert.equal((await page.goto(await page.locator("a").first().evaluate((a) => a.href))).status(), 200);
    await context.route("**/mine.html", (route) => route.fulfill({ contentType: "text/html", body: snippet }));
    const connected = page.waitForEvent("console", (message) => /^connected as [\w-]{20}$/.test(message.text()));
    await page.goto(`${server.url}/mine.html`);
    await connected;
  });
}
