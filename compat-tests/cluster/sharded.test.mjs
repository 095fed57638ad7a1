import { startRedis } from "../lib/redis.mjs";
import { badInput } from "./bad-input.mjs";
import { membership } from "./membership.mjs";
import { play, useBroker } from "./mix.mjs";
import { model } from "./model.mjs";
import { recorded } from "./recorded.mjs";
import { scenarios } from "./scenarios.mjs";
import { sharded } from "./wires.mjs";

play(sharded, useBroker(startRedis), [...scenarios, ...membership, ...model, ...recorded, ...badInput]);
