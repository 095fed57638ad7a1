// The chat page in a real browser, served by the demo: what two visitors do and see.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io as connect } from "socket.io-client";
import { startDemo } from "../lib/demo.mjs";
import { picture, sha256, tone } from "./picture.mjs";
import { DESKTOP, PHONE, startBrowser, Visitor } from "./visitor.mjs";

let browser;
let demo;

before(async () => {
  [browser, demo] = await Promise.all([startBrowser(), startDemo()]);
});
after(() => Promise.all([browser?.close(), demo?.kill()]));

/** Two visitors in a room of their own. */
async function pair(t, room) {
  const ana = await Visitor.arrive(t, browser, "Ana");
  const ben = await Visitor.arrive(t, browser, "Ben");
  await ana.join(demo.url, room);
  await ben.join(demo.url, room);
  return [ana, ben];
}

test("two visitors talk", async (t) => {
  const [ana, ben] = await pair(t, "talk");
  await ana.say("Hello Ben, <b>how</b> are you? 👋");
  await ben.sees("Ana", "Hello Ben, <b>how</b> are you? 👋");
  await ana.sent("Hello Ben");
  await ben.say("Fine, and you?");
  await ana.sees("Ben", "Fine, and you?");
  ana.assertContent();
  ben.assertContent();
});

test("the page names the node of a cluster", async (t) => {
  const node = await startDemo({ flags: ["-node", "2"] });
  t.after(() => node.kill());
  const ana = await Visitor.arrive(t, browser, "Ana");
  await ana.join(node.url, "nodes");
  await ana.part("connection").filter({ hasText: "WebSocket · node 2" }).waitFor();
});

test("who is here, who types, who leaves", async (t) => {
  const [ana, ben] = await pair(t, "presence");
  await ana.seesPeople("Ana", "Ben");
  await ben.seesPeople("Ana", "Ben");

  await ana.part("message-input").pressSequentially("I am about to sa");
  await ben.seesTyping("Ana");
  await ana.part("message-input").press("Enter");
  await ben.sees("Ana", "I am about to sa");
  await ben.seesTyping("");

  await ben.context.close();
  await ana.seesPeople("Ana");
  await ana.part("notice").filter({ hasText: "Ben" }).last().waitFor();
  ana.assertContent();
});

test("a room keeps to itself", async (t) => {
  const [ana, ben] = await pair(t, "inside");
  const eve = await Visitor.arrive(t, browser, "Eve");
  await eve.join(demo.url, "outside");
  await ana.say("for this room only");
  await ben.sees("Ana", "for this room only");

  // Eve comes in later and hears what is said from then on.
  await eve.part("new-room").fill("inside");
  await eve.part("create-room").click();
  await ana.seesPeople("Ana", "Ben", "Eve");
  await ana.say("welcome Eve");
  await eve.sees("Ana", "welcome Eve");
  assert.equal(await eve.part("message").count(), 1);
});

test("a draft stays in its room", async (t) => {
  const ana = await Visitor.arrive(t, browser, "Ana");
  await ana.join(demo.url, "drafts");
  const input = ana.part("message-input");
  await input.fill("for drafts only");
  await ana.part("file-input").setInputFiles({ name: "sunset.png", mimeType: "image/png", buffer: picture(48, 32) });
  await ana.part("tray-item").waitFor();
  await ana.part("new-room").fill("other");
  await ana.part("create-room").click();
  await ana.page.waitForFunction(() => document.querySelector("[data-testid=current-room]").textContent === "other");
  assert.deepEqual([await input.inputValue(), await ana.part("tray-item").count()], ["", 0]);
  assert.equal(await ana.part("send").isDisabled(), true);
  await input.fill("for the other room");

  await ana.room("drafts").click();
  assert.deepEqual([await input.inputValue(), await ana.part("tray-item").count()], ["for drafts only", 1]);
  await input.press("Enter");
  await ana.sent("for drafts only");
  assert.equal(await input.inputValue(), "");
  await ana.room("other").click();
  assert.equal(await input.inputValue(), "for the other room");
  assert.equal(await ana.part("message").count(), 0);

  // What was written in a room that was left is gone with it.
  await ana.part("leave-room").click();
  await ana.page.waitForFunction(() => document.querySelector("[data-testid=current-room]").textContent === "drafts");
  assert.equal(await input.inputValue(), "");
  ana.assertContent();
});

test("who speaks at once after joining has joined before", async (t) => {
  const [, ben] = await pair(t, "order");
  // A client that does not wait for anything, unlike a person.
  const chloe = connect(`${demo.url}/demo`, { auth: { nick: "Chloe", rooms: ["order"] }, transports: ["websocket"] });
  t.after(() => chloe.close());
  chloe.emit("message", { id: "1", room: "order", text: "first words" });
  await ben.sees("Chloe", "first words");
  await ben.part("notice").filter({ hasText: "Chloe joined" }).waitFor();
  const order = await ben.page.locator("[data-testid=notice], [data-testid=message]").allInnerTexts();
  const [joined, spoke] = ["Chloe joined", "first words"].map((text) => order.findIndex((line) => line.includes(text)));
  assert.ok(joined >= 0 && joined < spoke, order.join(" | "));
  assert.equal(order.filter((line) => line.includes("Chloe joined")).length, 1);
});

test("a panel on a phone keeps the focus until it is closed", async (t) => {
  const ana = await Visitor.arrive(t, browser, "Ana", { viewport: PHONE });
  await ana.join(demo.url, "panels");
  for (const name of ["rooms", "people"]) {
    await ana.part(`open-${name}`).click();
    const panel = `${name}-panel`;
    await ana.page.locator(`#${panel}.open`).waitFor();
    for (let i = 0; i < 12; i++) {
      await ana.page.keyboard.press(i < 8 ? "Tab" : "Shift+Tab");
      const where = await ana.page.evaluate((id) => {
        const { activeElement } = document;
        return activeElement === document.body || document.getElementById(id).contains(activeElement) ? "" : activeElement.id || activeElement.tagName;
      }, panel);
      assert.equal(where, "", `after ${i + 1} times Tab in ${panel}`);
    }
    await ana.photograph(`chat-phone-${panel}`);
    await ana.page.keyboard.press("Escape");
    assert.equal(await ana.page.evaluate(() => document.activeElement.id), `open-${name}`);
  }
  // A panel that was open when the window grew does not leave the rest behind a curtain.
  await ana.part("open-rooms").click();
  await ana.page.setViewportSize(DESKTOP);
  await ana.say("wide again");
  await ana.sent("wide again");
  ana.assertContent();
});

test("who comes back catches up page by page, in order", async (t) => {
  const [ana, ben] = await pair(t, "missed");
  await ben.say("before");
  await ana.sees("Ben", "before");
  await ana.context.setOffline(true);
  await ana.offline();
  const sizes = [100, 15_000, 15_000, 15_000, 15_000, 15_000, 15_000, 200];
  const talker = connect(`${demo.url}/demo`, { auth: { nick: "Chloe", rooms: ["missed"] }, transports: ["websocket"] });
  t.after(() => talker.close());
  for (const [i, size] of sizes.entries()) {
    await talker.emitWithAck("message", { id: `m${i}`, room: "missed", text: `number ${i} ${"x".repeat(size)}` });
  }
  await ana.context.setOffline(false);
  await ana.online();
  await ana.sees("Chloe", `number ${sizes.length - 1}`);
  await talker.emitWithAck("message", { id: "live", room: "missed", text: "number live" });
  await ana.sees("Chloe", "number live");
  const shown = await ana.page.locator("[data-testid=message] [data-testid=message-text]").allInnerTexts();
  assert.deepEqual(shown.map((text) => text.split(" ")[1] ?? text), ["before", ...sizes.keys(), "live"].map(String));
  ana.assertContent();
});

test("a picture arrives byte for byte", async (t) => {
  const [ana, ben] = await pair(t, "pictures");
  const png = picture(480, 320);
  assert.ok(png.length > 100_000 && png.length < 740_000, `${png.length} bytes`);
  await ana.send({ name: "sunset.png", mimeType: "image/png", buffer: png });
  const { bytes, sha256: sum, media } = await ben.received("Ana", "picture");
  assert.equal(bytes, png.length);
  assert.equal(sum, sha256(png));
  assert.deepEqual(await media.evaluate((image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])), [480, 320]);
  ana.assertContent();
  ben.assertContent();
});

test("a sound arrives byte for byte, and can be played", async (t) => {
  const [ana, ben] = await pair(t, "sounds");
  const wav = tone();
  await ana.send({ name: "tone.wav", mimeType: "audio/wav", buffer: wav });
  const { sha256: sum, media } = await ben.received("Ana", "audio");
  assert.equal(sum, sha256(wav));
  const duration = await media.evaluate(
    (audio) =>
      audio.readyState > 0
        ? audio.duration
        : new Promise((resolve, reject) => {
            audio.onloadedmetadata = () => resolve(audio.duration);
            audio.onerror = () => reject(audio.error);
            audio.load();
          }),
  );
  assert.equal(duration, 1);
});

test("a voice message is recorded and arrives", async (t) => {
  const [ana, ben] = await pair(t, "voice");
  await ana.part("record").click();
  await ana.part("recording").waitFor();
  await ana.page.waitForFunction(() => document.querySelector(".recording-time").textContent !== "0:00");
  await ana.part("record-stop").click();
  const { bytes } = await ben.received("Ana", "audio");
  assert.ok(bytes > 0);
});

test("the server restarts, both come back and talk again", async (t) => {
  const [ana, ben] = await pair(t, "restart");
  await ana.say("before");
  await ben.sees("Ana", "before");

  await demo.kill();
  await Promise.all([ana.offline(), ben.offline()]);
  await ana.say("written while the server was away");
  await ana.photograph("chat-offline");
  demo = await startDemo({ port: demo.port });
  await Promise.all([ana.online(), ben.online()]);

  await ana.seesPeople("Ana", "Ben");
  // It waited for the server, and went to those who were back by then; whoever comes later has not missed it on the wire.
  await ana.sent("written while the server was away");
  await ben.say("there you are");
  await ana.sees("Ben", "there you are");
  // What was said before is still on the page: the visit goes on.
  await ben.sees("Ana", "before");
  ana.assertContent();
  ben.assertContent();
});
