import { startRedis } from "../lib/redis.mjs";
import { membership } from "./membership.mjs";
import { play } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { sharded } from "./wires.mjs";

play(sharded, startRedis, [...scenarios, ...membership]);
