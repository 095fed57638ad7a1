import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ask, connect, connected, open, overEachTransport, record, useServer } from "../lib/suite.mjs";
import { once } from "../lib/deadline.mjs";

const parser = createRequire(import.meta.url)("socket.io-msgpack-parser");
const server = useServer("-parser", "msgpack");

/** A generator of values that is the same in every run. */
function generator(seed) {
  const next = (n) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >> 8) % n;
  };
  const text = () => Array.from({ length: next(40) }, () => ["a", "€", "🔑", '"', "\\", "\n", "\u2028", "\0"][next(8)]).join("");
  const leaf = [
    () => null,
    () => next(2) === 1,
    () => next(300) - 150,
    () => (next(2 ** 22) - 2 ** 21) * 2 ** next(32),
    () => next(1000) / 7 - 50,
    () => Number.MAX_SAFE_INTEGER - next(10),
    () => -1e-300 / (next(100) + 1),
    text,
    () => "x".repeat(next(70_000)),
  ];
  const value = (depth) => {
    const kind = next(depth > 0 ? 12 : 9);
    if (kind < 9) {
      return leaf[kind]();
    }
    if (kind < 10) {
      return Array.from({ length: next(depth === 3 ? 20 : 4) }, () => value(depth - 1));
    }
    return Object.fromEntries(Array.from({ length: next(6) }, () => [text(), value(depth - 1)]));
  };
  return () => value(3);
}

overEachTransport((transport) => {
  test("connects, joins namespaces, is refused with data", async (t) => {
    const socket = await connect(t, server.url, transport, { parser, auth: { who: "me" } });
    const [who] = await ask(socket, "whoami");
    assert.equal(who.id, socket.id);
    assert.deepEqual(who.auth, { who: "me" });
    const chat = socket.io.socket("/chat");
    await connected(chat);
    const refused = open(t, `${server.url}/refused`, transport, { parser });
    const [error] = await once(refused, "connect_error");
    assert.equal(error.message, "say the word");
    assert.deepEqual(error.data, { code: 401, hint: ["p", "l", "e"] });
    const gone = once(chat, "disconnect");
    chat.emit("bye");
    assert.equal((await gone)[0], "io server disconnect");
    assert.deepEqual(await ask(socket, "ack", "still here"), ["still here"]);
  });

  test("values of all kinds survive both ways", async (t) => {
    const socket = await connect(t, server.url, transport, { parser });
    const value = generator(7);
    for (let i = 0; i < 150; i++) {
      const sent = [value(), value()];
      assert.deepEqual(await ask(socket, "ack", ...sent), sent);
    }
  });

  test("binary is binary, at any depth", async (t) => {
    const socket = await connect(t, server.url, transport, { parser });
    const [one, two] = await ask(socket, "ack", Buffer.from([1, 2, 255]), { deep: [Buffer.alloc(70_000, 7), Buffer.alloc(0), "text"] });
    assert.deepEqual([...one], [1, 2, 255]);
    assert.ok(Buffer.from(two.deep[0]).equals(Buffer.alloc(70_000, 7)));
    assert.equal(two.deep[1].length, 0);
    assert.equal(two.deep[2], "text");
  });

  test("broadcasts, rooms, questions of the server", async (t) => {
    const [one, two] = await Promise.all([1, 2].map(() => connect(t, server.url, transport, { parser })));
    const room = `room ${one.id}`;
    await ask(one, "join", room);
    const inbox = record(one, "room");
    two.emit("room", room, { n: 1 }, Buffer.from([9]));
    const [value, data] = await inbox.next();
    assert.deepEqual(value, { n: 1 });
    assert.deepEqual([...data], [9]);
    one.on("question", (n, answer) => answer(n, "yes"));
    const answered = record(one, "answered");
    one.emit("ask");
    assert.deepEqual(await answered.next(), [42, "yes"]);
  });
});

test("a client that speaks the default form is cut off", async (t) => {
  const socket = open(t, server.url, { options: { transports: ["websocket"] } });
  await once(socket.io, "close");
});
