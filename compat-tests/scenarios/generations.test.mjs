import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { covers } from "../lib/covers.mjs";
import { once, within } from "../lib/deadline.mjs";
import { generations } from "../lib/generations.mjs";
import { record, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3", "-ping-interval", "300ms", "-ping-timeout", "5s");

/** A client of a generation, with a connection of its own that ends with the test. */
function open(t, io, transport, namespace = "", options = {}) {
  const socket = io(server.url + namespace, { forceNew: true, reconnection: false, ...transport.options, ...options });
  t.after(() => {
    socket.io.reconnection(false);
    socket.close();
    socket.io.engine?.close();
  });
  return socket;
}

async function connect(t, ...args) {
  const socket = open(t, ...args);
  await once(socket, "connect");
  return socket;
}

/** Emits and resolves with the acknowledgement's arguments; old clients know no timeout. */
const ask = (socket, ...args) =>
  within(new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer))), `answer to ${args[0]}`);

const bytes = (...list) => Buffer.from(list);

for (const { name, io, old, transports } of generations) {
  for (const transport of transports) {
    describe(`${name} over ${transport.name}`, () => {
      test("connects, and knows its id", async (t) => {
        old && covers("easy/36 socketio/v2-compatibility/1");
        const socket = await connect(t, io, transport);
        const [who] = await ask(socket, "whoami");
        assert.equal(who.namespace, "/");
        assert.equal(who.id, socket.id);
        assert.deepEqual(who.rooms, [socket.id]);
        assert.deepEqual(who.auth, {});
        assert.equal(socket.id === socket.io.engine.id, old);
      });

      test("sends and receives what JSON can say, in order", async (t) => {
        const socket = await connect(t, io, transport);
        const echo = record(socket, "echo");
        const values = ["", "1", 0, -1.5, 2 ** 53 - 1, true, false, null, [], {}, [[1, [2]]], { a: { b: [null] } }, "€ 🔑 \u2028 \" \\ \n \u0000 é"];
        for (const value of values) {
          socket.emit("echo", value, "and", value);
        }
        for (const value of values) {
          assert.deepEqual(await echo.next(), [value, "and", value]);
        }
      });

      test("sends and receives binary, alone and nested", async (t) => {
        const socket = await connect(t, io, transport);
        const bin = record(socket, "bin");
        const sent = [bytes(1, 2, 3), { deep: [bytes(), bytes(255, 0, 254)], text: "plain" }]; // 1.7.4 spoils other text beside binary in a POST
        socket.emit("bin", ...sent);
        const [first, second] = await bin.next();
        assert.deepEqual(Buffer.from(first), sent[0]);
        assert.deepEqual(Buffer.from(second.deep[0]), sent[1].deep[0]);
        assert.deepEqual(Buffer.from(second.deep[1]), sent[1].deep[1]);
        assert.equal(second.text, "plain");
        const large = Buffer.alloc(100_000, "binary");
        const [back] = await ask(socket, "ack", large);
        assert.ok(Buffer.from(back).equals(large));
      });

      test("acknowledges, and is acknowledged to", async (t) => {
        const socket = await connect(t, io, transport);
        assert.deepEqual(await ask(socket, "ack", 1, "two", { three: 3 }), [1, "two", { three: 3 }]);
        assert.deepEqual(await ask(socket, "ack"), []);
        socket.on("question", (n, answer) => answer(n, { yes: true }));
        const answered = record(socket, "answered");
        socket.emit("ask");
        assert.deepEqual(await answered.next(), [42, { yes: true }]);
      });

      test("shares a connection between namespaces", async (t) => {
        const root = await connect(t, io, transport);
        const chat = root.io.socket("/chat");
        await once(chat, "connect");
        const [who] = await ask(chat, "whoami");
        assert.equal(who.namespace, "/chat");
        assert.equal(who.id, old ? `/chat#${root.io.engine.id}` : chat.id);
        chat.close();
        assert.deepEqual(await ask(root, "ack", "still here"), ["still here"]);
      });

      test("is told why a namespace refuses it", async (t) => {
        old && covers("easy/36");
        const refused = open(t, io, transport, "/refused");
        const [error] = await record(refused, old ? "error" : "connect_error").next();
        const data = { code: 401, hint: ["p", "l", "e"] };
        if (old) {
          assert.deepEqual(error, data);
        } else {
          assert.equal(error.message, "say the word");
          assert.deepEqual(error.data, data);
        }
        const unknown = open(t, io, transport, "/unknown");
        const [invalid] = await record(unknown, old ? "error" : "connect_error").next();
        assert.equal(invalid.message, "Invalid namespace");
      });

      test("brings credentials to a namespace", async (t) => {
        old && covers("easy/33 socketio/v2-compatibility/2");
        const credentials = old ? { query: { word: "please" } } : { auth: { word: "please" } };
        const socket = open(t, io, transport, "/refused", credentials);
        await once(socket, "connect");
      });

      test("joins rooms, and receives what is sent to them", async (t) => {
        const [one, two, three] = await Promise.all([1, 2, 3].map(() => connect(t, io, transport)));
        const room = `room ${one.id}`;
        await Promise.all([ask(one, "join", room), ask(two, "join", room)]);
        const inboxes = [one, two, three].map((socket) => record(socket, "room"));
        three.emit("room", room, "hello", bytes(7));
        for (const inbox of inboxes.slice(0, 2)) {
          const [text, data] = await inbox.next();
          assert.equal(text, "hello");
          assert.deepEqual(Buffer.from(data), bytes(7));
        }
        await ask(two, "leave", room);
        three.emit("room", room, "again");
        assert.deepEqual(await inboxes[0].next(), ["again"]);
        await ask(two, "ack"); // behind which anything sent to the room would have come
        await ask(three, "ack");
        assert.deepEqual(inboxes[1].drain(), []);
        assert.deepEqual(inboxes[2].drain(), []);
      });

      test("is disconnected by the server, in both ways", async (t) => {
        for (const [event, reasons] of [["bye", ["io server disconnect"]], ["close", ["io server disconnect", "transport close"]]]) {
          const socket = await connect(t, io, transport);
          const gone = once(socket, "disconnect");
          socket.emit(event);
          const reason = await gone;
          assert.ok(reasons.includes(Array.isArray(reason) ? reason[0] : reason), String(reason));
        }
      });

      test("stays connected through heartbeats, and hears messages between them", async (t) => {
        const socket = await connect(t, io, transport);
        let beats = 0;
        const enough = new Promise((resolve) => {
          const beat = () => ++beats === 3 && resolve();
          if (old) {
            socket.io.engine.on("pong", beat); // what answers the client's ping
          } else {
            socket.io.engine.on("packet", ({ type }) => type === "ping" && beat());
          }
        });
        await within(enough, "three heartbeats");
        assert.deepEqual(await ask(socket, "ack", "alive"), ["alive"]);
        assert.equal(socket.connected, true);
      });

      test("loses and doubles nothing while it upgrades", async (t) => {
        const socket = await connect(t, io, transport);
        const echo = record(socket, "echo");
        for (let i = 0; i < 200; i++) {
          socket.emit("echo", i, i % 10 === 0 ? bytes(i) : "x");
          if (i % 20 === 0) {
            await new Promise((resolve) => setImmediate(resolve));
          }
        }
        for (let i = 0; i < 200; i++) {
          assert.equal((await echo.next())[0], i);
        }
      });

      test("comes back when its connection breaks", async (t) => {
        const socket = await connect(t, io, transport, "", { reconnection: true, reconnectionDelay: 1, reconnectionDelayMax: 5 });
        const first = socket.id;
        const again = once(socket, "connect");
        socket.io.engine.close();
        await again;
        assert.notEqual(socket.id, first);
        assert.deepEqual(await ask(socket, "ack", "back"), ["back"]);
      });
    });
  }
}
