import { startRedis } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { outages } from "./failover.mjs";
import { play, useBroker } from "./mix.mjs";
import { pubsub, sharded, streams } from "./wires.mjs";

const broker = useBroker(startRedis);
const only = target === "node" ? [["ioredis", "ioredis"]] : [["here", "ioredis"], ["here", "here"]];
for (const wire of [pubsub, sharded, streams]) {
  play(wire, broker, outages, { only });
}
