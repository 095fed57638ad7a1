import { startRedis } from "../lib/redis.mjs";
import { admin, adminMixes } from "./admin.mjs";
import { badInput } from "./bad-input.mjs";
import { membership } from "./membership.mjs";
import { play, useBroker } from "./mix.mjs";
import { model } from "./model.mjs";
import { recorded } from "./recorded.mjs";
import { scenarios } from "./scenarios.mjs";
import { pubsub } from "./wires.mjs";

const broker = useBroker(startRedis);
play(pubsub, broker, [...scenarios, ...membership, ...model, ...recorded, ...badInput]);
play(pubsub, broker, admin, { only: adminMixes });
