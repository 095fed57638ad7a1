// A person at the chat page: what they do and what they see, in terms of the page's test ids.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { SOON } from "../lib/deadline.mjs";

export const artifacts = join(import.meta.dirname, "..", "..", "artifacts");

const options = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A page that a test made up counts as one from the internet, which would not be let near this machine.
  "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
  // A microphone that beeps, so that voice messages can be recorded.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Starts Debian's Chromium; run.mjs has checked that it is there. Without quic nothing of it uses UDP. Hosts are names that mean this machine. */
export function startBrowser({ quic = false, hosts = [] } = {}) {
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",");
  const args = [...options, ...(quic ? [] : ["--disable-quic"]), ...(rules ? [`--host-resolver-rules=${rules}`] : [])];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args, timeout: 30_000 });
}

export class Visitor {
  /** What the page complained about: exceptions, and errors on the console. */
  complaints = [];

  constructor(context, page, nick) {
    this.context = context;
    this.page = page;
    this.nick = nick;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      // Requests fail while the server is down, which Chromium reports by itself.
      if (message.type() === "error" && !/Failed to load resource|WebSocket connection to/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
  }

  /** Opens the page in a browser profile of its own, as somebody else would. */
  static async arrive(t, browser, nick, { viewport = DESKTOP, ...rest } = {}) {
    const context = await browser.newContext({ viewport, permissions: ["microphone"], ...rest });
    t.after(() => context.close());
    context.setDefaultTimeout(SOON);
    return new Visitor(context, await context.newPage(), nick);
  }

  /** The element with a test id. */
  part(id) {
    return this.page.getByTestId(id);
  }

  /** What the page is connected over in the end. */
  transport = "websocket";

  /** Gives the page another client than the newest: a script that defines window.io. */
  useClient(script) {
    return this.page.route("**/socket.io/socket.io.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  }

  /** Opens the chat and joins a room. */
  async join(url, room) {
    await this.page.goto(url);
    await this.part("nick").fill(this.nick);
    await this.part("room").fill(room);
    await this.part("join").click();
    await this.online();
  }

  /** Waits until the page says that it is connected, and over what. */
  online() {
    return this.page.locator(`[data-testid=connection][data-state=online][data-transport=${this.transport}]`).waitFor();
  }

  /** Waits until the page says that it has lost its connection. */
  async offline() {
    await this.page.locator("[data-testid=connection]:not([data-state=online])").waitFor();
    await this.part("banner").waitFor();
  }

  async say(text) {
    await this.part("message-input").fill(text);
    await this.part("message-input").press("Enter");
  }

  /** Chooses a file and sends it, with whatever has been written. */
  async send(file) {
    await this.part("file-input").setInputFiles(file);
    await this.part("tray-item").waitFor();
    await this.part("send").click();
  }

  /** The message with this text from somebody; waits for it. */
  async sees(nick, text) {
    const message = this.page.locator(`[data-testid=message][data-nick="${nick}"]`).filter({ hasText: text }).last();
    await message.waitFor();
    return message;
  }

  /** Waits until one's own message with this text has been taken by the server. */
  async sent(text) {
    await this.page.locator('[data-testid=message][data-status=sent]').filter({ hasText: text }).last().waitFor();
  }

  /** The newest picture, audio or video from nick; waits for it. Resolves with {bytes, sha256} of what the page has. */
  async received(nick, kind) {
    const media = this.page.locator(`[data-testid=message][data-nick="${nick}"] [data-testid=${kind}]`).last();
    await media.waitFor();
    const bytes = Number(await media.getAttribute("data-bytes"));
    const sha256 = await media.evaluate(async (element) => {
      const data = await (await fetch(element.src)).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
      return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    });
    return { bytes, sha256, media };
  }

  /** The button of a room in the list. */
  room(name) {
    return this.page.locator(`[data-testid=room-item][data-room="${name}"] button`);
  }

  /** The names on the list of people. */
  async people() {
    const list = await this.part("person").all();
    return (await Promise.all(list.map((person) => person.getAttribute("data-nick")))).toSorted();
  }

  /** Waits until exactly these people are here. */
  async seesPeople(...nicks) {
    for (const nick of nicks) {
      await this.page.locator(`[data-testid=person][data-nick="${nick}"]`).waitFor({ state: "attached" });
    }
    await this.page.waitForFunction(
      (count) => document.querySelectorAll("[data-testid=person]").length === count,
      nicks.length,
    );
    assert.deepEqual(await this.people(), nicks.toSorted());
    assert.equal(await this.part("people-count").textContent(), String(nicks.length));
  }

  /** Waits until the line about who is typing says so of nick, or is empty. */
  async seesTyping(nick) {
    await this.page.waitForFunction((name) => {
      const text = document.querySelector("[data-testid=typing]").textContent.trim();
      return name === "" ? text === "" : text.includes(name);
    }, nick);
  }

  /** Keeps a picture of what the visitor sees. */
  async photograph(name) {
    mkdirSync(artifacts, { recursive: true });
    await this.page.screenshot({ path: join(artifacts, `${name}.png`), animations: "disabled" });
  }

  /** Asserts that nothing sticks out sideways, as it must not on a phone. */
  async assertFits() {
    const [content, view] = await this.page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= view, `the page is ${content} pixels wide in a window of ${view}`);
  }

  assertContent() {
    assert.deepEqual(this.complaints, []);
  }
}
