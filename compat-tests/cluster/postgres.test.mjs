import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { Emitter } from "@socket.io/postgres-emitter";
import { startPostgres } from "../lib/postgres.mjs";
import { until } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { ask } from "../lib/suite.mjs";
import { admin, adminMixes } from "./admin.mjs";
import { play, useBroker } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { postgres } from "./wires.mjs";

// Official servers ignore it, see ../oracle/cluster.mjs.
const emitter = {
  name: "the official emitter is obeyed",
  fits: (names) => names.every((name) => name === "here"),
  async run(c) {
    const io = new Emitter(c.mix.broker.pool, "/", { channelPrefix: c.mix.key });
    const room = c.room();
    await c.join(room, c.b);
    const heard = c.hear("outside");
    io.emit("outside", "everybody", 1, { n: null });
    io.to(room).emit("outside", Buffer.from("a room"));
    io.except(room).emit("outside", "x".repeat(20_000));
    await c.gets([heard[0]], ["everybody", 1, { n: null }], ["x".repeat(20_000)]);
    await c.gets([heard[1]], ["everybody", 1, { n: null }], [Buffer.from("a room")]);
    const told = c.hear("told");
    io.serverSideEmit("told", "news");
    await c.gets(told, ["news"]);
    io.in(c.b.id).disconnectSockets();
    await new Promise((done) => c.b.once("disconnect", done));
    assert.deepEqual(await ask(c.a, "members", room), [[]]);
  },
};

// They know each other by heartbeats: official servers by those in each namespace.
const heartbeats = {
  name: "servers that say nothing are counted, and one that is killed is not any more",
  once: true,
  async run(c, t) {
    const counted = async (servers) => {
      const counts = await Promise.all(c.all.map((client) => ask(client, "servers")));
      return counts.every(([count]) => count === servers);
    };
    await setTimeout(11_000); // what is silent for 10 s is gone
    assert.ok(await counted(c.all.length));
    const server = await c.mix.add(c.mix.names.at(-1));
    t.after(() => server.kill());
    c.mix.servers.pop();
    await until(() => counted(c.all.length + 1), "one server more", 5_000);
    await server.kill();
    await setTimeout(14_000); // until then it is waited for
    assert.ok(await counted(c.all.length));
  },
};

// There is only one kind of official servers here.
const only = target === "node" ? [["ioredis", "ioredis"]] : [["here", "ioredis"], ["here", "here"]];
const broker = useBroker(startPostgres);
play(postgres, broker, [...scenarios, emitter, heartbeats], { only });
play(postgres, broker, admin, { only: adminMixes });
