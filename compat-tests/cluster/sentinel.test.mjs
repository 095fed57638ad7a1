import { startSentinel } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { failover } from "./failover.mjs";
import { play, useBroker } from "./mix.mjs";
import { pubsubOfSentinel, streamsOfSentinel } from "./wires.mjs";

for (const wire of [pubsubOfSentinel, streamsOfSentinel]) {
  play(wire, useBroker(startSentinel), failover, { only: target === "node" ? [["ioredis", "ioredis"]] : [["here", "ioredis"]] });
}
