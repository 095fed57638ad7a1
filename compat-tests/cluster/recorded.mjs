// What a server writes is what the official server writes, but for ids, times, and the order of members.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { decode as decodeStreams } from "@msgpack/msgpack";
import { monitor } from "../lib/monitor.mjs";
import { ask, connect, plainly } from "../lib/suite.mjs";

const adapter = createRequire(import.meta.url).resolve("@socket.io/redis-adapter");
const { decode: decodeClassic } = createRequire(adapter)("notepack.io");

/** The value of a message: text is JSON, other bytes are MessagePack. */
function decode(data, scheme) {
  if (data[0] === 0x7b) {
    return JSON.parse(data.toString());
  }
  return scheme === "redis+streams" ? decodeStreams(data) : decodeClassic(data);
}

/** A command that sends a message, as [channel, form, message], or nothing. */
function message(command, { scheme }) {
  const [name, channel, ...args] = [command[0].toString().toUpperCase(), command[1]?.toString(), ...command.slice(2)];
  if (channel?.endsWith("##")) {
    return undefined; // our processes tell each other of themselves, where official servers do not hear it
  }
  if (name === "PUBLISH" || name === "SPUBLISH") {
    const value = decode(args[0], scheme);
    const named = Array.isArray(value) ? { uid: value[0], packet: value[1], opts: value[2], more: value.slice(3) } : value;
    return [`${name} ${channel}`, args[0][0] === 0x7b ? "JSON" : "MessagePack", named];
  }
  if (name !== "XADD") {
    return undefined;
  }
  const texts = args.map(String);
  const from = texts.indexOf("*");
  const fields = Object.fromEntries(Array.from({ length: (texts.length - from - 1) / 2 }, (_, i) => texts.slice(from + 1 + 2 * i, from + 3 + 2 * i)));
  const json = fields.data.startsWith("{");
  delete fields.seq; // ours: what tells an entry that was added twice
  fields.data = json ? JSON.parse(fields.data) : decodeStreams(Buffer.from(fields.data, "base64"));
  return [`XADD ${channel}`, json ? "JSON" : "MessagePack", fields];
}

/**
 * The same with names of its own for each id, and without what differs from one run to the next. An answer that is
 * nothing may be there or not.
 */
function anonymous(value, names) {
  const rename = (text) => text.replaceAll(/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{20}(?![A-Za-z0-9_-])|(?<=#)[0-9a-f]{16}(?=#)|(?<=response#\/#)[A-Za-z0-9_-]{6}(?=#)|127\.0\.0\.1:\d+|(?<=[a-z]-)\d+/g, (id) => {
    names.set(id, names.get(id) ?? `<${names.size}>`);
    return names.get(id);
  });
  if (typeof value === "string") {
    return rename(value);
  }
  if (ArrayBuffer.isView(value)) {
    return { bytes: Buffer.from(value).toString("hex") };
  }
  if (Array.isArray(value)) {
    return value.map((item) => anonymous(item, names));
  }
  if (typeof value !== "object" || value === null || value instanceof Date) {
    return value;
  }
  return Object.fromEntries(Object.keys(value).sort().filter((key) => key !== "packet" || value[key] !== null).map((key) => {
    switch (key) {
      case "uid":
      case "requestId":
        return [key, typeof value[key]];
      case "time":
        assert.match(value[key], /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d 20\d\d \d\d:\d\d:\d\d GMT[+-]\d{4} \(.+\)$/);
        return [key, "a time"];
      case "issued":
        assert.ok(Number.isInteger(value[key]));
        return [key, "a time"];
      case "timeout": // of a context that has begun
        return [key, Math.ceil(value[key] / 100) * 100];
      case "sec-websocket-key":
        return [key, typeof value[key]];
      case "rooms":
        return [key, anonymous(value[key], names).sort()];
      default:
        return [key, anonymous(value[key], names)];
    }
  }));
}

/** What two servers write while a client of the first, a, gives orders. b is a client of the other one. */
async function played(c, t, urls, watch) {
  const [a, b] = await Promise.all(urls.map((url) => connect(t, url, plainly)));
  const room = c.room();
  b.off("vote").on("vote", (_, answer) => answer(Buffer.from("b"), "ignored"));
  a.off("vote").on("vote", (_, answer) => answer({ a: 1 }));
  b.off("silence").on("silence", (answer) => answer());
  await c.join(room, a, b);
  const say = (how, ...args) => a.emit("say", how, "recorded", ...args);
  const steps = {
    "an event": () => say({}, "text", 1, -1, 1.5, null, true, { deep: [[], {}] }, "é€😀"),
    "binary": () => say({}, Buffer.from([1, 2, 3]), { deep: [Buffer.alloc(0)] }),
    "no arguments": () => say({}),
    "a room": () => say({ rooms: [room] }, 1),
    "a room, binary": () => say({ rooms: [room] }, Buffer.from([1])),
    "one socket": () => say({ rooms: [b.id] }, 1),
    "rooms and exceptions": () => say({ rooms: [room, b.id], except: ["x"] }, 1),
    "flags": () => say({ volatile: true, compress: false }, 1),
    "the others": () => say({ socket: true }, 1),
    "here only": () => say({ local: true }, 1),
    "acknowledged": () => ask(a, "call", { rooms: [room] }, 5_000, "vote", "q"),
    "acknowledged by nobody": () => ask(a, "call", { rooms: ["nobody"] }, 5_000, "vote"),
    "acknowledged without a value": () => ask(a, "call", { rooms: [b.id] }, 5_000, "silence"),
    "one socket is asked": () => ask(a, "call-one", b.id, 5_000, "vote", Buffer.from("q")),
    "found": () => ask(a, "fetch", { rooms: [b.id] }),
    "nobody found": () => ask(a, "fetch", { rooms: ["nobody"] }),
    "join": () => ask(a, "join-all", { rooms: [room], except: ["x"] }, ["red", "blue"]),
    "leave": () => ask(a, "leave-all", { rooms: [room] }, ["red"]),
    "disconnect": () => a.emit("disconnect-all", { rooms: ["nobody"] }, false),
    "close": () => a.emit("disconnect-all", { rooms: ["nobody"] }, true),
    "tell servers": () => a.emit("tell", {}, "x", { n: 1 }),
    "ask servers": () => ask(a, "ask-servers", { n: [1, null] }),
  };
  await ask(b, "keep", { n: 1 });
  const names = new Map();
  const written = {};
  for (const [name, step] of Object.entries(steps)) {
    await watch.caughtUp();
    const from = watch.commands.length;
    await step();
    await ask(a, "whoami"); // the server has handled it
    await c.fence();
    await watch.caughtUp();
    const messages = watch.commands.slice(from).map((command) => message(command, c.mix.wire)).filter(Boolean);
    written[name] = messages.filter((m) => !JSON.stringify(m).includes("fence-")).map((m) => anonymous(m, names));
  }
  return written;
}

export const recorded = [{
  name: "writes what the official server writes",
  once: true,
  fits: (names) => names.length === 2 && names[0] !== names[1],
  async run(c, t) {
    const watch = await monitor(c.mix.broker);
    t.after(() => watch.close());
    const urls = c.servers.map(({ url }) => url);
    const [ours, theirs] = [await played(c, t, urls, watch), await played(c, t, urls.toReversed(), watch)];
    for (const [step, messages] of Object.entries(theirs)) {
      assert.deepEqual(ours[step], messages, step);
    }
  },
}];
