import { startRedis } from "../lib/redis.mjs";
import { membership } from "./membership.mjs";
import { play } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { pubsub } from "./wires.mjs";

play(pubsub, startRedis, [...scenarios, ...membership]);
