// What the first program that people write against a Socket.IO server expects of it.

import assert from "node:assert/strict";
import { connect, record, scenario, useDemo } from "../lib/suite.mjs";

const demo = useDemo();

for (const namespace of ["/", "/chat"]) {
  scenario(`a message on ${namespace} reaches everyone there`, { newest: true, usual: true }, async (t, way) => {
    const clients = await Promise.all(
      Array.from({ length: 3 }, () => connect(t, demo.url + namespace, way)),
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

scenario("messages of the two namespaces do not mix", { newest: true, usual: true }, async (t, way) => {
  const main = await connect(t, demo.url, way);
  const chat = await connect(t, `${demo.url}/chat`, way);
  const atMain = record(main, "message");
  const atChat = record(chat, "message");
  chat.emit("message", "for the chat");
  assert.deepEqual(await atChat.next(), ["for the chat"]);
  main.emit("message", "for the rest");
  assert.deepEqual(await atMain.next(), ["for the rest"]);
  assert.deepEqual(atChat.drain(), []);
});
