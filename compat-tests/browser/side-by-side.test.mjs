// Visitors with clients of two generations, each held to one transport, in one room of the chat: they talk, the network of two of them is
// cut and comes back. The pictures in artifacts/ show what is asserted here.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDemo } from "../lib/demo.mjs";
import { Proxy } from "../lib/proxy.mjs";
import { board } from "./board.mjs";
import { newest, second } from "./clients.mjs";
import { picture, sha256 } from "./picture.mjs";
import { startBrowser, Visitor } from "./visitor.mjs";

const ROOM = "side by side";
const viewport = { width: 640, height: 620 };

const guests = [
  { nick: "Ana", caption: "socket.io-client 4.8.4, WebSocket only", client: newest, transport: "websocket" },
  { nick: "Ben", caption: "socket.io-client 2.5.0, WebSocket only", client: second, transport: "websocket" },
  { nick: "Chloé", caption: "socket.io-client 4.8.4, polling only", client: newest, transport: "polling" },
  { nick: "Dov", caption: "socket.io-client 2.5.0, polling only", client: second, transport: "polling" },
];

let browser;
let demo;

before(async () => {
  [browser, demo] = await Promise.all([startBrowser(), startDemo({ flags: ["-eio3"] })]);
});
after(() => Promise.all([browser?.close(), demo?.kill()]));

/** A guest at the page, behind a network of their own. */
async function seat(t, { nick, caption, client, transport }) {
  const network = await Proxy.start(t, demo);
  const visitor = await Visitor.arrive(t, browser, nick, { viewport });
  visitor.transport = transport;
  await visitor.useClient(client(transport));
  await visitor.join(network.url, ROOM);
  return { visitor, caption, network };
}

/** Everybody but the one of that name. */
const others = (seats, nick) => seats.filter(({ visitor }) => visitor.nick !== nick);

/** One says something that all others see. */
async function say(seats, { visitor }, text) {
  await visitor.say(text);
  await visitor.sent(text);
  await Promise.all(others(seats, visitor.nick).map((other) => other.visitor.sees(visitor.nick, text)));
}

/** The texts of a visitor's messages, in the order in which they are shown. */
const texts = ({ visitor }) => visitor.part("message-text").allTextContents();

test("2.5.0 and 4.8.4, polling and WebSocket, with the network of two cut and restored", async (t) => {
  const seats = [];
  for (const guest of guests) {
    seats.push(await seat(t, guest));
  }
  const [ana, ben, chloe, dov] = seats;
  await Promise.all(seats.map(({ visitor }) => visitor.page.waitForFunction(() => document.querySelectorAll("[data-testid=person]").length === 4)));

  await say(seats, ana, "Hello from 4.8.4 over WebSocket");
  await say(seats, ben, "Hello from 2.5.0 over WebSocket");
  await say(seats, chloe, "Hello from 4.8.4 over polling");
  await say(seats, dov, "Hello from 2.5.0 over polling 👋");
  const png = picture(240, 100);
  await dov.visitor.send({ name: "sunset.png", mimeType: "image/png", buffer: png });
  for (const { visitor } of others(seats, "Dov")) {
    const got = await visitor.received("Dov", "picture");
    assert.deepEqual([got.bytes, got.sha256], [png.length, sha256(png)]);
  }
  await board(browser, "side-by-side-1-talking", {
    title: "1. Two generations of clients, two transports, one room",
    text: "Everybody sees what everybody says; the picture went up as binary from 2.5.0 over polling.",
    seats,
  });

  ana.network.interrupt();
  dov.network.interrupt();
  await Promise.all([ana.visitor.offline(), dov.visitor.offline()]);
  await ana.visitor.say("Ana, written while cut off");
  await dov.visitor.say("Dov, written while cut off");
  await say([ben, chloe], chloe, "Ana and Dov are gone");
  await say([ben, chloe], ben, "They will be back");
  const pending = ({ visitor }) => visitor.page.locator("[data-testid=message][data-status=pending]").count();
  assert.deepEqual([await pending(ana), await pending(dov)], [1, 1]);
  await Promise.all([ben, chloe].map(({ visitor }) => visitor.page.waitForFunction(() => document.querySelectorAll("[data-testid=person]").length === 2)));
  await board(browser, "side-by-side-2-network-cut", {
    title: "2. The network of Ana and Dov is cut",
    text: "Their pages say so and keep what they write; Ben and Chloé go on talking, and see that two are here.",
    seats: [{ ...ana, isOff: true }, ben, chloe, { ...dov, isOff: true }],
  });

  ana.network.restore();
  dov.network.restore();
  await Promise.all(seats.map(({ visitor }) => visitor.online()));
  await ana.visitor.sent("Ana, written while cut off");
  await dov.visitor.sent("Dov, written while cut off");
  for (const { visitor } of [ben, chloe]) {
    await visitor.sees("Ana", "Ana, written while cut off");
    await visitor.sees("Dov", "Dov, written while cut off");
  }
  for (const { visitor } of [ana, dov]) {
    await visitor.sees("Chloé", "Ana and Dov are gone");
    await visitor.sees("Ben", "They will be back");
  }
  await say(seats, dov, "We are back");
  await Promise.all(seats.map(({ visitor }) => visitor.page.waitForFunction(() => document.querySelectorAll("[data-testid=person]").length === 4)));
  for (const some of seats) {
    const shown = await texts(some);
    assert.equal(new Set(shown).size, shown.length, `${some.visitor.nick} sees nothing twice: ${shown.join(" | ")}`);
    some.visitor.assertContent();
  }
  await board(browser, "side-by-side-3-network-restored", {
    title: "3. The network is back",
    text: "What Ana and Dov wrote meanwhile has arrived, once; both have caught up on what they missed.",
    seats,
  });
});
