import { startBus } from "../lib/bus.mjs";
import { play } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { bus } from "./wires.mjs";

play(bus, async () => {
  const started = await startBus();
  return { ...started, kill: () => started.close() };
}, scenarios, { only: process.env.COMPAT_TARGET === "node" ? undefined : [["here", "ioredis"], ["here", "here"], ["here", "ioredis", "redis"]] });
