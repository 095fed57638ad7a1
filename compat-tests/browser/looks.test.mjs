// How the chat page looks: screenshots on a desktop and on a phone, kept as artifacts for a person to judge. What a
// machine can judge is asserted: that everything fits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDemo } from "../lib/demo.mjs";
import { picture } from "./picture.mjs";
import { DESKTOP, PHONE, startBrowser, Visitor } from "./visitor.mjs";

let browser;
let demo;

before(async () => {
  [browser, demo] = await Promise.all([startBrowser(), startDemo()]);
});
after(() => Promise.all([browser?.close(), demo?.kill()]));

/** A conversation with everything in it, seen by Ana on the given screen. */
async function converse(t, room, options) {
  const ana = await Visitor.arrive(t, browser, "Ana", options);
  await ana.page.goto(demo.url);
  await ana.assertFits();
  await ana.photograph(`join-${room}`);
  await ana.join(demo.url, room);

  const ben = await Visitor.arrive(t, browser, "Ben");
  const chloe = await Visitor.arrive(t, browser, "Chloé Dupont-Lefèvre");
  await ben.join(demo.url, room);
  await chloe.join(demo.url, room);
  await ana.seesPeople("Ana", "Ben", "Chloé Dupont-Lefèvre");

  await ana.say("Hi both, I am back from the coast.");
  await ben.sees("Ana", "I am back");
  await ben.say("Show us!");
  await chloe.say("And tell: how was it? I want to hear everything, the weather, the food, the boat that would not start.");
  await ana.sees("Ben", "Show us!");
  await ana.sees(chloe.nick, "how was it?");
  await ana.send({ name: "sunset.png", mimeType: "image/png", buffer: picture(480, 320) });
  await ben.received("Ana", "picture");
  await ana.say("https://example.com/a/very/long/address/that/has/no/spaces/at/all/and/goes/on/and/on/and/on/for/ever.html");
  await ben.say("🌅");
  await ana.sees("Ben", "🌅");
  await ben.part("message-input").pressSequentially("So beau");
  await ana.seesTyping("Ben");
  return ana;
}

test("on a desktop", async (t) => {
  const ana = await converse(t, "desktop", { viewport: DESKTOP });
  await ana.assertFits();
  assert.equal(await ana.part("people").isVisible(), true);
  assert.equal(await ana.part("rooms").isVisible(), true);
  await ana.photograph("chat-desktop");
  ana.assertContent();
});

test("on a desktop in the dark", async (t) => {
  const ana = await converse(t, "dark", { viewport: DESKTOP, colorScheme: "dark" });
  await ana.photograph("chat-dark");
});

test("on a phone", async (t) => {
  const ana = await converse(t, "phone", { viewport: PHONE, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await ana.assertFits();
  assert.equal(await ana.part("message-input").isVisible(), true);
  await ana.photograph("chat-phone");
  await ana.part("open-people").tap();
  await ana.part("people").waitFor({ state: "visible" });
  await ana.assertFits();
  await ana.photograph("chat-phone-people");
  ana.assertContent();
});
