// Random commands and events: whoever gets them is whom one server would have chosen.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { Random } from "../differential/random.mjs";
import { until } from "../lib/redis.mjs";
import { ask, record } from "../lib/suite.mjs";
import { reach } from "./mix.mjs";

const rounds = 25;

/** Who is in which room, and whom an operator selects. */
class Model {
  constructor(clients) {
    this.clients = clients;
    this.rooms = new Map(clients.map((client) => [client, new Set([client.id])]));
  }

  in(room) {
    return this.clients.filter((client) => this.rooms.get(client).has(room));
  }

  selected({ rooms, except, socket }, sender) {
    const out = new Set([...(except ?? []), ...(socket ? [sender.id] : [])]);
    const within = (client, set) => [...set].some((room) => this.rooms.get(client).has(room));
    return this.clients.filter((client) => (!rooms?.length || within(client, rooms)) && !within(client, out));
  }
}

/** Makes random sockets join or leave rooms, and waits until they have. */
async function move(c, model, random, names) {
  const sender = random.pick(c.all);
  const how = pickHow(random, [...names, ...c.all.map(({ id }) => id)]);
  const rooms = subset(random, names, 1, 2);
  const verb = random.pick(["join", "join", "leave"]);
  const opened = rooms.filter((room) => model.in(room).length < c.all.length);
  for (const client of model.selected(how, sender)) {
    rooms.forEach((room) => model.rooms.get(client)[verb === "join" ? "add" : "delete"](room));
  }
  await ask(sender, `${verb}-all`, how, rooms);
  for (const client of c.all) {
    await until(async () => {
      const [{ rooms: now }] = await ask(client, "whoami");
      return now.toSorted().join() === [...model.rooms.get(client)].sort().join();
    }, `rooms ${[...model.rooms.get(client)]}`);
  }
  for (const room of verb === "join" ? opened : []) {
    await Promise.all(c.all.map((from) => reach(from, { rooms: [room] }, model.in(room))));
  }
}

function subset(random, list, least, most) {
  return Array.from({ length: random.between(least, most) }, () => random.pick(list)).filter((item, i, all) => all.indexOf(item) === i);
}

function pickHow(random, names) {
  return { rooms: subset(random, names, 0, 2), except: subset(random, names, 0, random.pick([0, 1, 2])) };
}

export const model = [{
  name: "random commands and events do what one server would do",
  once: true,
  async run(c) {
    const seed = randomInt(2 ** 31);
    const random = new Random(seed);
    const state = new Model(c.all);
    const names = Array.from({ length: 4 }, () => c.room());
    const targets = [...names, ...c.all.map(({ id }) => id)];
    const heard = new Map(c.all.map((client) => [client, record(client, "random")]));
    const expected = new Map(c.all.map((client) => [client, c.all.map(() => [])]));
    let n = 0;
    for (let round = 0; round < rounds; round++) {
      await move(c, state, random, names);
      for (let i = 0; i < 6; i++) {
        const from = random.between(0, c.all.length - 1);
        const how = { ...pickHow(random, targets), socket: random.chance(0.3) };
        state.selected(how, c.all[from]).forEach((client) => expected.get(client)[from].push(n));
        c.all[from].emit("say", how, "random", from, n++, ...(random.chance(0.3) ? [Buffer.from([n % 256])] : []));
      }
      await Promise.all(c.all.map((client) => ask(client, "whoami"))); // said, before the next move
      await c.fence();
    }
    for (const client of c.all) {
      const got = c.all.map(() => []);
      heard.get(client).drain().forEach(([from, number]) => got[from].push(number));
      const sorted = (lists) => (c.ordered ? lists : lists.map((list) => list.toSorted((a, b) => a - b)));
      assert.deepEqual(sorted(got), sorted(expected.get(client)), `client ${c.all.indexOf(client)}, seed ${seed}`);
    }
  },
}];
