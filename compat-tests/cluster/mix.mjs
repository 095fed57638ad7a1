// Servers of both kinds that are one cluster, and a client on each.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe } from "node:test";
import { setTimeout } from "node:timers/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import { within } from "../lib/deadline.mjs";
import { until } from "../lib/redis.mjs";
import { test } from "../lib/results.mjs";
import { startOfficial, startServer, target } from "../lib/server.mjs";
import { ask, connect, plainly, record } from "../lib/suite.mjs";

// The official server with each of the two packages for Redis. What is under test may be the official server too.
const kinds = {
  here: { go: target !== "node", start: startServer },
  ioredis: { go: false, start: (flags) => startOfficial([...flags, "-cluster-client", "ioredis"]) },
  redis: { go: false, start: (flags) => startOfficial([...flags, "-cluster-client", "redis"]) },
  ours: { go: true, start: (flags) => startServer([...flags, "-admin", "development"]) },
  admin: { go: false, start: (flags) => startOfficial([...flags, "-admin", "development"]) },
  production: { go: false, start: (flags) => startOfficial([...flags, "-admin", "production"]) },
};

/** Which servers play together. */
export const mixes = target === "node" ? [["ioredis", "redis"]] : [["here", "ioredis"], ["here", "redis"], ["here", "here"], ["here", "ioredis", "redis"]];

/** Servers that share a broker and a prefix. */
export class Mix {
  servers = [];

  /** wire is one of wires.mjs; broker has an address. */
  constructor(wire, broker, names) {
    this.wire = wire;
    this.broker = broker;
    this.names = names;
    this.key = randomUUID().slice(0, 8);
  }

  async add(name) {
    const kind = kinds[name];
    const server = await kind.start(this.wire.flags(this.broker.address, this.key));
    Object.assign(server, { name, go: kind.go });
    this.servers.push(server);
    return server;
  }

  async start() {
    await Promise.all(this.names.map((name) => this.add(name)));
    this.servers.sort((a, b) => this.names.indexOf(a.name) - this.names.indexOf(b.name));
  }

  kill() {
    return Promise.all(this.servers.map((server) => server.kill()));
  }
}

/** Sends an event from a client's server again and again, until all targets have heard it. */
export async function reach(from, how, targets, ms) {
  const name = `reach-${randomUUID()}`;
  const deaf = new Set(targets);
  const heard = Promise.all(targets.map((client) => once(client, name).then(() => deaf.delete(client))));
  let over = false;
  const loop = async () => {
    while (deaf.size > 0 && !over) {
      from.emit("say", how, name);
      await Promise.race([heard, setTimeout(20)]);
    }
  };
  const servers = (clients) => [...clients].map((client) => client.io.uri).join();
  await within(loop(), "", ms)
    .catch(() => assert.fail(`an event from ${servers([from])} is not heard at ${servers(deaf)}`))
    .finally(() => (over = true));
}

/** Waits until each client's server hears the others and is heard by them. */
export async function settle(clients) {
  await Promise.all(clients.map((from) => reach(from, {}, clients, 20_000)));
  for (const client of clients) {
    // An official server that asks before everybody has subscribed again waits in vain and does not answer its client.
    const servers = () => ask(client, "servers").then(([n]) => n, () => 0);
    await until(async () => (await servers()) === clients.length, `${clients.length} servers`, 30_000);
  }
}

function once(client, name) {
  return new Promise((resolve) => client.once(name, resolve));
}

let rooms = 0;

/** Clients of a mix: a on one of its servers, others on the rest. */
export class Clients {
  constructor(mix, servers, all) {
    this.mix = mix;
    this.servers = servers;
    this.all = all;
    [this.a, ...this.others] = all;
    [this.b] = this.others;
  }

  /** A room's name that no other test has. */
  room(name = "room") {
    return `${name}-${++rooms}`;
  }

  /** What each client hears under a name from now on. */
  hear(name) {
    return this.all.map((client) => record(client, name));
  }

  /** Makes clients join a room, and waits until each server reaches them there. */
  async join(room, ...clients) {
    await Promise.all(clients.map((client) => ask(client, "join", room)));
    await Promise.all(this.all.map((from) => reach(from, { rooms: [room] }, clients)));
  }

  /** Whether what one server sends arrives in order: each node of a Redis Cluster has channels of its own. Ours does on every other broker. */
  get ordered() {
    return !this.mix.broker.nodes && !(this.mix.wire.unordered && this.servers.some(({ go }) => !go));
  }

  /** Asserts that each inbox gets exactly these events next. */
  async gets(inboxes, ...events) {
    for (const inbox of inboxes) {
      const got = await inbox.take(events.length);
      if (this.ordered) {
        assert.deepEqual(got, events);
        continue;
      }
      const missing = events.filter((event) => !got.some((other) => isDeepStrictEqual(event, other)));
      assert.deepEqual(missing, [], `not among ${inspect(got)}`);
    }
  }

  /**
   * Asserts that each client's inbox, by client, gets a volatile event next; say sends it. A client that has the event before is not
   * yet one whose server has finished the write of it: until then it drops what is volatile, and say sends once more, to its room alone.
   */
  async getsVolatile(inboxes, say, event) {
    say();
    for (const [client, inbox] of inboxes) {
      const got = inbox.next();
      if (!(await Promise.race([got, setTimeout(2_000, undefined, { ref: false })]))) {
        say({ rooms: [client.id] });
      }
      assert.deepEqual(await got, event);
    }
  }

  /** Returns when whatever any client's server has sent before has come to all clients. */
  async fence() {
    for (const client of this.all) {
      const name = `fence-${++rooms}`;
      const heard = Promise.all(this.all.map((other) => once(other, name)));
      client.emit("say", {}, name);
      await within(heard, "a fence");
    }
  }
}

/** A broker for a file: start is called before its tests, and what it returns is `started`. */
export function useBroker(start) {
  const broker = {};
  before(async () => (broker.started = await start()));
  after(() => broker.started?.kill());
  return broker;
}

/**
 * Declares the scenarios, {name, run, once, fits}, for every mix that fits. Each begins on a server of the first kind and again, unless
 * it says once or all are alike, on one of the second.
 */
export function play(wire, broker, scenarios, { only = mixes } = {}) {
  for (const names of only) {
    describe(`${wire.name}: ${names.join(" and ")}`, () => {
      let mix;
      before(async () => {
        mix = new Mix(wire, broker.started, names);
        await mix.start();
        const ends = [];
        const clients = await Promise.all(mix.servers.map(({ url }) => connect({ after: (end) => ends.push(end) }, url, plainly)));
        await settle(clients);
        ends.forEach((end) => end());
      });
      after(() => mix?.kill());
      const turns = new Set(names).size === 1 ? [0] : [0, 1];
      for (const { name, run, once } of scenarios.filter(({ fits }) => !fits || fits(names))) {
        for (const turn of once ? [0] : turns) {
          const title = `${wire.name}, ${names.join(" and ")}, from ${names[turn]}: ${name}`;
          test(title, { timeout: 60_000 }, async (t) => {
            const servers = [...mix.servers.slice(turn), ...mix.servers.slice(0, turn)];
            const all = await Promise.all(servers.map(({ url }, i) => connect(t, url, plainly, { auth: { who: "abc"[i] } })));
            await run(new Clients(mix, servers, all), t);
          });
        }
      }
    });
  }
}
