// Servers that come and go.

import assert from "node:assert/strict";
import { until } from "../lib/redis.mjs";
import { ask, record } from "../lib/suite.mjs";
import { settle } from "./mix.mjs";

export const membership = [];

function scenario(name, run, fits) {
  membership.push({ name, run, once: true, fits });
}

/** How many servers the broker counts, namespace by namespace. */
async function counts({ mix }) {
  const redis = mix.broker.nodes?.map((node) => node.redis) ?? (mix.broker.main ?? mix.broker).redis;
  const all = [];
  for (const nsp of ["/", "/chat", "/odd#name"]) {
    all.push(await mix.wire.count(redis, mix.key, nsp));
  }
  return all;
}

/** Starts one more server of a kind, which every server counts then. */
async function join(c, t, name) {
  const before = await counts(c);
  assert.deepEqual(before, before.map(() => c.all.length));
  const server = await c.mix.add(name);
  t.after(async () => {
    c.mix.servers.splice(c.mix.servers.indexOf(server), 1);
    await server.kill();
  });
  await until(async () => (await counts(c)).every((n, i) => n === before[i] + 1), "one server more, in each namespace");
  for (const client of c.all) {
    await until(async () => (await ask(client, "servers"))[0] === c.all.length + 1, "an answer of the new server");
  }
  return server;
}

for (const [how, end] of [["is stopped", "stop"], ["is killed", "kill"]]) {
  scenario(`a server comes and ${how}: one more, one less, and nobody waits`, async (c, t) => {
    const server = await join(c, t, c.mix.names.at(-1));
    await server[end]();
    await until(async () => (await counts(c)).every((n) => n === c.all.length), "one server less");
    const began = Date.now();
    for (const client of c.all) {
      assert.deepEqual(await ask(client, "servers"), [c.all.length]);
      assert.equal((await ask(client, "fetch", { rooms: c.all.map(({ id }) => id) }))[0].length, c.all.length);
      const [error, answers] = await ask(client, "call", { rooms: [c.room("empty")] }, 4_000, "vote");
      assert.deepEqual([error, answers], [null, []]);
    }
    assert.ok(Date.now() - began < 3_000, "waited");
  });
}

scenario("a server that stands still is missed, the others are not waited for longer, and it comes back", async (c) => {
  const [, frozen] = c.servers;
  const room = c.room();
  await c.join(room, ...c.all);
  c.all.forEach((client, i) => client.on("vote", (answer) => answer(i)));
  const others = c.all.filter((client) => client !== c.b);
  await frozen.freeze();
  try {
    const began = Date.now();
    const [[found, problem], [error, answers]] = await Promise.all([ask(c.a, "fetch", { rooms: [room] }), ask(c.a, "call", { rooms: [room] }, 1_000, "vote")]);
    assert.deepEqual(found.map(({ id }) => id).sort(), others.map(({ id }) => id).sort());
    assert.match(problem, /1 server/);
    assert.equal(error, "operation has timed out");
    assert.deepEqual(answers.sort(), others.map((client) => c.all.indexOf(client)));
    assert.ok(Date.now() - began < 7_000, "waited for longer than 5 s");
    const heard = record(c.b, "meanwhile");
    c.a.emit("say", { rooms: [room] }, "meanwhile", 1);
    frozen.thaw();
    assert.deepEqual(await heard.next(), [1]);
  } finally {
    frozen.thaw();
  }
  await settle(c.all);
}, ([first]) => first === "here");
