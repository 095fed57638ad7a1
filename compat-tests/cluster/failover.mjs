// The master of Redis dies, and its replica becomes the master.

import assert from "node:assert/strict";
import { until } from "../lib/redis.mjs";
import { ask } from "../lib/suite.mjs";
import { settle } from "./mix.mjs";

export const failover = [];

failover.push({
  name: "the master dies: then all is as before, nothing doubled, and nobody had to connect again",
  once: true,
  async run(c) {
    const { broker } = c.mix;
    const heard = c.hear("count");
    let sent = 0;
    const say = () => c.all.forEach((client, i) => client.emit("say", {}, "count", i, sent));
    const timer = setInterval(() => {
      say();
      sent++;
    }, 10);
    await until(() => sent > 20, "events before");
    await broker.main.process.kill();
    await until(async () => /role:master/.test(await broker.replica.redis.info("replication")), "a new master", 20_000);
    await settle(c.all);
    clearInterval(timer);
    await c.fence();
    const last = ++sent;
    say();
    for (const inbox of heard) {
      const numbers = c.all.map(() => []);
      while (numbers.some((list) => list.at(-1) !== last)) {
        const [from, n] = await inbox.next();
        numbers[from].push(n);
      }
      numbers.forEach((list) => assert.equal(new Set(list).size, list.length, "doubled"));
    }
    assert.ok(c.all.every((client) => client.connected));
    const [found] = await ask(c.a, "fetch", { rooms: c.all.map(({ id }) => id) });
    assert.equal(found.length, c.all.length);
  },
});
