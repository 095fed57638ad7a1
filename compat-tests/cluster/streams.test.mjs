import { startRedis } from "../lib/redis.mjs";
import { membership } from "./membership.mjs";
import { play } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { streams } from "./wires.mjs";

play(streams, startRedis, [...scenarios, ...membership]);
