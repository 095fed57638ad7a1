// Binary data as only browsers have it: what a client makes of a Blob arrives, alone, nested, and in an acknowledgement.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { covers } from "../lib/covers.mjs";
import { startServer } from "../lib/server.mjs";
import { bundle, openPage } from "./page.mjs";
import { startBrowser } from "./visitor.mjs";

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer()]);
});
after(() => Promise.all([browser?.close(), server?.kill()]));

const ways = [
  { name: "polling", transports: ["polling"], ids: ["extra/engine-parser/browser/5"] },
  { name: "websocket", transports: ["websocket"], ids: ["extra/engine-parser/browser/4"] },
];

for (const { name, transports, ids } of ways) {
  test(`a Blob travels over ${name}`, { timeout: 30_000 }, async (t) => {
    covers(["parser/blob/1 parser/blob/2 parser/blob/3", ...ids].join(" "));
    const { page } = await openPage(t, browser, server.url, { script: () => bundle("socket.io-client"), options: { transports } });
    const got = await page.evaluate(async () => {
      const { socket, ask } = window;
      const bytes = (data) => [...new Uint8Array(data)];
      const next = (event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
      const answered = next("answered");
      socket.on("question", (n, answer) => answer(new Blob([new Uint8Array([7, 0, n])])));
      socket.emit("ask");
      const back = next("bin");
      socket.emit("bin", { deep: [new Blob(["deep"]), null, { deeper: new Blob([]) }] }, "text");
      const [{ deep }, text] = await back;
      const [acknowledged] = await ask("ack", new Blob(["b", new Uint8Array([0, 255])]));
      return {
        alone: bytes(acknowledged),
        deep: [bytes(deep[0]), deep[1], bytes(deep[2].deeper), text],
        answered: bytes((await answered)[0]),
      };
    });
    assert.deepEqual(got, { alone: [98, 0, 255], deep: [[100, 101, 101, 112], null, [], "text"], answered: [7, 0, 42] });
  });
}
