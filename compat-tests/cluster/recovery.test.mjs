import { startPostgres } from "../lib/postgres.mjs";
import { startRedis } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { play, useBroker } from "./mix.mjs";
import { recovery } from "./recovery.mjs";
import { recoveringPostgres, recoveringStreams } from "./wires.mjs";

const only = target === "node" ? undefined : [["here", "ioredis"], ["here", "here"]];
play(recoveringStreams, useBroker(startRedis), recovery, { only });
if (target !== "node") {
  play(recoveringPostgres, useBroker(startPostgres), recovery, { only: [["here", "here"]] });
}
