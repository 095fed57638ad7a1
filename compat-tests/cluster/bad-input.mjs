// What no server would write, on every channel that a server listens to. An official server may end of it, see
// docs/differences.md: only servers of this repository play this.

import assert from "node:assert/strict";
import { encode } from "@msgpack/msgpack";
import { Random } from "../differential/random.mjs";
import { ask, connect, plainly, record } from "../lib/suite.mjs";
import { settle } from "./mix.mjs";

const opts = { rooms: [], except: [], flags: {} };
const packet = { type: 2, data: ["x", 1], nsp: "/" };
const socket = { id: "a".repeat(20), handshake: { headers: {}, time: "", query: {}, auth: {}, issued: 1, url: "/" }, rooms: [], data: {} };

/** Messages as they should be: each test spoils one of them. */
const right = {
  redis: [
    ["nobody", packet, opts],
    ...[0, 1, 5].map((type) => ({ uid: "nobody", requestId: "r", type, rooms: [], opts: { rooms: [], except: [] } })),
    ...[2, 3].flatMap((type) => [{ uid: "nobody", type, opts: { rooms: [], except: [] }, rooms: ["r"] }, { uid: "nobody", requestId: "r", type, sid: "s", room: "r" }]),
    { uid: "nobody", type: 4, opts: { rooms: ["nobody"], except: [] }, close: false },
    { uid: "nobody", requestId: "r", type: 6, data: ["told", 1] },
    { uid: "nobody", requestId: "r", type: 7, packet, opts },
    { type: 8, requestId: "r", clientCount: 1 },
    { type: 9, requestId: "r", packet: 1 },
    { type: 6, requestId: "r", data: 1 },
    { requestId: "r", sockets: [socket] },
    { requestId: "r", rooms: ["r"] },
  ],
  others: [
    [3, { packet, opts }],
    [3, { packet, opts, requestId: "r" }],
    [4, { opts, rooms: ["r"] }],
    [5, { opts, rooms: ["r"] }],
    [6, { opts: { ...opts, rooms: ["nobody"] }, close: true }],
    [7, { opts, requestId: "r" }],
    [8, { requestId: "r", sockets: [socket] }],
    [9, { packet: ["told", 1], requestId: "r" }],
    [10, { requestId: "r", packet: 1 }],
    [11, { requestId: "r", clientCount: 1 }],
    [12, { requestId: "r", packet: 1 }],
    ...[1, 2, 13, 99].map((type) => [type, {}]),
  ].map(([type, data]) => ({ type, data, uid: "0123456789abcdef", nsp: "/" })),
};

const odd = [null, true, -1, 1.5, 2 ** 53, 1e308, "", "x".repeat(300), "/", "__proto__", [], {}, [[[[]]]], [null], [1, "x", null], { "": null }, { rooms: 1 }];

/** A copy of a message with one member, at any depth, missing or of another kind. */
function spoiled(message, random) {
  const copy = structuredClone(message);
  let at = copy;
  for (;;) {
    const key = random.pick(Object.keys(at));
    if (Object.keys(at[key] ?? {}).length > 0 && typeof at[key] === "object" && random.chance(0.6)) {
      at = at[key];
      continue;
    }
    if (random.chance(0.3) && !Array.isArray(at)) {
      delete at[key];
    } else {
      at[key] = random.pick(odd);
    }
    return copy;
  }
}

/** Bytes that are wrong in some way, most of them nearly right. */
function* wrongBytes(messages, random) {
  for (const message of messages) {
    for (let i = 0; i < 25; i++) {
      const wrong = spoiled(message, random);
      yield Buffer.from(JSON.stringify(wrong));
      yield Buffer.from(encode(wrong));
    }
    const bytes = random.chance(0.5) ? Buffer.from(encode(message)) : Buffer.from(JSON.stringify(message));
    for (let i = 0; i < 10; i++) {
      yield bytes.subarray(0, random.between(0, bytes.length - 1));
      const flipped = Buffer.from(bytes);
      flipped[random.between(0, bytes.length - 1)] = random.between(0, 255);
      yield flipped;
    }
  }
  for (let i = 0; i < 200; i++) {
    yield Buffer.from(Array.from({ length: random.between(0, 60) }, () => random.between(0, 255)));
  }
  yield Buffer.alloc(1_000_000, 0x91); // an array in an array in an array
  yield Buffer.from(`{"type":3,"data":${"[".repeat(1_000_000)}`);
  yield Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]); // four billion values follow
  yield Buffer.from([0x93, 0xa1, 0x78, 0xdf, 0xff, 0xff, 0xff, 0xff]);
}

/** The fields of wrong entries of a stream. */
function* wrongEntries(messages, random) {
  for (const message of messages) {
    for (let i = 0; i < 25; i++) {
      const { data, ...rest } = random.chance(0.5) ? message : spoiled(message, random);
      const wrong = random.chance(0.8) ? spoiled({ data }, random).data : data;
      const text = wrong === undefined ? "" : random.chance(0.5) ? JSON.stringify(wrong) : Buffer.from(encode(wrong)).toString("base64");
      const fields = { ...rest, data: random.chance(0.1) ? text.slice(0, random.between(0, text.length)) : text };
      yield Object.entries(fields).filter(() => random.chance(0.95)).flatMap(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]);
    }
  }
}

/** What the servers of a mix subscribe to, and what no server of theirs does. */
async function channels(redis, key) {
  const [plain, shards] = await Promise.all([redis.call("PUBSUB", "CHANNELS", `${key}*`), redis.call("PUBSUB", "SHARDCHANNELS", `${key}*`)]);
  const others = ["", "room#", "42#"].map((room) => `${key}#/#${room}`);
  return [...[...plain, ...others].map((name) => ["publish", name]), ...shards.map((name) => ["spublish", name])];
}

export const badInput = [{
  name: "what no server would write stops nobody",
  once: true,
  fits: (names) => names.every((name) => name === "here"),
  async run(c, t) {
    const { broker: { redis }, key, wire } = c.mix;
    const random = new Random(1);
    await ask(c.b, "join", "42");
    const messages = wire.scheme === "redis" ? right.redis : right.others;
    const to = await channels(redis, key);
    assert.ok(to.length > 5, `channels: ${to.map(([, name]) => name)}`);
    for (const bytes of wrongBytes(messages, random)) {
      await Promise.all(to.map(([command, name]) => redis[command](name, bytes)));
    }
    if (wire.scheme === "redis+streams") {
      for (const fields of wrongEntries(messages, random)) {
        if (fields.length > 0) {
          await redis.xadd(key, "*", ...fields);
        }
      }
    }
    // Some of it was a command to disconnect everybody.
    const [a, b] = await Promise.all(c.servers.map(({ url }) => connect(t, url, plainly)));
    await settle([a, b]);
    const heard = record(b, "after");
    await ask(b, "join", c.room("after"));
    a.emit("say", {}, "after", Buffer.from("all"));
    a.emit("say", { rooms: [b.id] }, "after", "is well");
    assert.deepEqual(await heard.take(2), [[Buffer.from("all")], ["is well"]]);
    b.on("vote", (answer) => answer("yes"));
    assert.deepEqual(await ask(a, "call", { rooms: [b.id] }, 5_000, "vote"), [null, ["yes"]]);
    assert.equal((await ask(a, "fetch", { rooms: [b.id] }))[0].length, 1);
  },
}];
