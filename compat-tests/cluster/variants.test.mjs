import { startRedis } from "../lib/redis.mjs";
import { target } from "../lib/server.mjs";
import { play, useBroker } from "./mix.mjs";
import { recorded } from "./recorded.mjs";
import { scenarios } from "./scenarios.mjs";
import { password, variants, withPassword } from "./wires.mjs";

const broker = useBroker(startRedis);
const only = [[target === "node" ? "redis" : "here", "ioredis"]];
for (const wire of variants) {
  play(wire, broker, [...scenarios.filter(({ name }) => !wire.lacks?.(name)), ...recorded], { only });
}

const guarded = useBroker(() => startRedis([], { password }));
for (const wire of withPassword) {
  play(wire, guarded, scenarios, { only });
}
