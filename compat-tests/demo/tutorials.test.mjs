// What the first program that people write against a Socket.IO server expects of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, overEachTransport, record, useDemo } from "../lib/suite.mjs";

const demo = useDemo();

overEachTransport((transport) => {
  for (const namespace of ["/", "/chat"]) {
    test(`a message on ${namespace} reaches everyone there`, async (t) => {
      const clients = await Promise.all(
        Array.from({ length: 3 }, () => connect(t, demo.url + namespace, transport)),
      );
      const heard = clients.map((client) => record(client, "message"));
      for (const args of [["hello"], [{ user: "me", text: "héllo" }], ["with bytes", Buffer.from([1, 2, 3])]]) {
        clients[0].emit("message", ...args);
        for (const inbox of heard) {
          assert.deepEqual(await inbox.next(), args);
        }
      }
    });
  }

  test("messages of the two namespaces do not mix", async (t) => {
    const main = await connect(t, demo.url, transport);
    const chat = await connect(t, `${demo.url}/chat`, transport);
    const atMain = record(main, "message");
    const atChat = record(chat, "message");
    chat.emit("message", "for the chat");
    assert.deepEqual(await atChat.next(), ["for the chat"]);
    main.emit("message", "for the rest");
    assert.deepEqual(await atMain.next(), ["for the rest"]);
    assert.deepEqual(atChat.drain(), []);
  });
});
