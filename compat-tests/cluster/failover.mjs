// Redis, or what leads there, fails while events are under way: then all is as before, and nobody had to connect again.

import assert from "node:assert/strict";
import { until } from "../lib/redis.mjs";
import { ask } from "../lib/suite.mjs";
import { settle } from "./mix.mjs";

/**
 * A scenario where something happens to the broker. Nothing that our servers send may be doubled then, and with lossless
 * wires nothing lost.
 */
function failure(name, happens, { lossless = () => false } = {}) {
  return { name, once: true, run: (c) => whatever(c, happens, lossless(c.mix.wire)) };
}

async function whatever(c, happens, lossless) {
  const heard = c.hear("count");
  let sent = 0;
  const say = () => {
    c.all.forEach((client, i) => client.emit("say", {}, "count", i, sent));
    sent++;
  };
  const timer = setInterval(say, 10);
  try {
    await until(() => sent > 20, "events before");
    await happens(c.mix.broker);
    const then = sent;
    await until(() => sent > then + 20, "events after");
    await settle(c.all);
  } finally {
    clearInterval(timer);
  }
  await c.fence();
  say();
  for (const [i, inbox] of heard.entries()) {
    const numbers = c.all.map(() => []);
    while (numbers.some((list) => list.at(-1) !== sent - 1)) {
      const [from, n] = await inbox.next();
      numbers[from].push(n);
    }
    for (const [from, list] of numbers.entries()) {
      if (!c.servers[from].go) {
        continue; // ioredis sends again what may have arrived
      }
      const way = `from ours to ${c.servers[i].name}`;
      assert.equal(new Set(list).size, list.length, `doubled, ${way}`);
      if (lossless) {
        assert.deepEqual(list, Array.from({ length: sent }, (_, n) => n), way);
      }
    }
  }
  assert.ok(c.all.every((client) => client.connected));
  const [found] = await ask(c.a, "fetch", { rooms: c.all.map(({ id }) => id) });
  assert.equal(found.length, c.all.length);
}

export const failover = [
  failure("the master dies, and its replica becomes the master", async (broker) => {
    await broker.main.process.kill();
    await until(async () => /role:master/.test(await broker.replica.redis.info("replication")), "a new master", 20_000);
  }),
];

// An official server with the package redis may end of them: of a promise that nobody handles.
export const outages = [
  failure("all connections of Redis are cut", async (broker) => {
    await broker.redis.call("CLIENT", "KILL", "TYPE", "normal");
    await broker.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
  }, { lossless: ({ scheme }) => scheme === "redis+streams" }),
  failure("Redis is killed, and started again", (broker) => broker.restart()),
];

export const natsOutage = failure("NATS is killed, and started again", (broker) => broker.restart(), { lossless: ({ scheme }) => scheme === "nats+jetstream" });
