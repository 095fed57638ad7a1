import { startRedisCluster } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { membership } from "./membership.mjs";
import { play, useBroker } from "./mix.mjs";
import { model } from "./model.mjs";
import { scenarios } from "./scenarios.mjs";
import { sharded, shardedStreams } from "./wires.mjs";

const broker = useBroker(startRedisCluster);
const only = target === "node" ? undefined : [["here", "ioredis"], ["here", "redis"], ["here", "here"]];
for (const wire of [sharded, shardedStreams]) {
  play(wire, broker, [...scenarios, ...membership, ...model], { only });
}
