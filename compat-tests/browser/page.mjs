// A page of a browser with a client on it, and nothing else.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The bundle of an installed client. */
export function bundle(name) {
  return readFileSync(join(import.meta.dirname, "..", "node_modules", name, "dist", "socket.io.js"), "utf8");
}

/**
 * An empty page of that origin with a client, connected: window.socket. What it receives under the name "room" is in window.received, and
 * window.ask emits and resolves with the acknowledgement.
 */
export async function openPage(t, browser, url, { script, options }) {
  const context = await browser.newContext();
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.route("**/page.html", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>page</title>" }));
  await page.goto(`${url}/page.html`);
  await page.addScriptTag({ content: script() });
  await page.evaluate((settings) => {
    window.received = [];
    window.socket = window.io(settings);
    window.socket.on("room", (...args) => window.received.push(args));
    window.ask = (...args) => new Promise((resolve) => window.socket.emit(...args, (...answer) => resolve(answer)));
    return new Promise((resolve) => window.socket.on("connect", resolve));
  }, options);
  return { page, requests };
}
