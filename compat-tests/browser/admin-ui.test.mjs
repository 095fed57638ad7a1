// The page of the admin UI in a real browser, served by `socketio serve -admin-ui` and connected to it.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { once } from "../lib/deadline.mjs";
import { startDemo } from "../lib/demo.mjs";
import { connect, plainly } from "../lib/suite.mjs";
import { artifacts, startBrowser } from "./visitor.mjs";

const dist = join(import.meta.dirname, "..", "node_modules", "@socket.io", "admin-ui", "ui", "dist");
let browser, demo;

before(async () => {
  const flags = ["-admin-ui", dist, "-admin-ui-password", "changeit", "-admin-ui-mode", "development", "-node", "node-1"];
  [browser, demo] = await Promise.all([startBrowser(), startDemo({ flags })]);
});
after(() => Promise.all([browser?.close(), demo?.kill()]));

async function openPage(t) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 } });
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  await context.route(/^https:/, (route) => route.abort()); // fonts from elsewhere
  const page = await context.newPage();
  await page.goto(`${demo.url}/admin-ui/`);
  return page;
}

test("an admin logs in, sees sockets and events, and disconnects a client", async (t) => {
  const [stays, leaves] = [await connect(t, demo.url, plainly), await connect(t, demo.url, plainly)];
  const page = await openPage(t);
  const login = async (password) => {
    await page.getByLabel("Server URL").fill(demo.url);
    await page.getByLabel("Username").fill("admin");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Connect" }).click();
  };
  await login("wrong");
  await page.getByText("Invalid credentials").waitFor();
  await login("changeit");
  await page.getByText("Invalid credentials").waitFor({ state: "hidden" });

  const go = (name) => page.getByRole("navigation").getByRole("link", { name }).click();
  const row = (id) => page.getByRole("row").filter({ hasText: id });
  const [first, second] = [stays.id, leaves.id];
  await go("Servers");
  await row("node-1").filter({ hasText: "Healthy" }).waitFor();
  await go("Sockets");
  await row(first).filter({ hasText: "127.0.0.1" }).filter({ hasText: "WebSocket" }).waitFor();
  const later = await connect(t, demo.url, plainly);
  await row(later.id).waitFor();
  await row(second).waitFor();
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, "admin-ui.png") });

  const gone = once(leaves, "disconnect");
  await row(second).getByRole("button").click();
  assert.equal((await gone)[0], "io server disconnect");
  await go("Sockets");
  await row(first).waitFor();
  await row(second).waitFor({ state: "detached" }); // the client may be told first

  stays.emit("seen-in-the-page", 1);
  await go("Events");
  await page.getByText("seen-in-the-page").first().waitFor();

  await page.reload(); // the session is remembered: no password is asked for
  await go("Sockets");
  await row(first).waitFor();
  assert.equal(await page.getByLabel("Password").count(), 0);
});
