import { startBus } from "../lib/bus.mjs";
import { target } from "../lib/server.mjs";
import { play, useBroker } from "./mix.mjs";
import { scenarios } from "./scenarios.mjs";
import { bus } from "./wires.mjs";

const broker = useBroker(async () => {
  const started = await startBus();
  return { ...started, kill: () => started.close() };
});
// There are no two kinds of official servers here.
play(bus, broker, scenarios, { only: target === "node" ? [["ioredis", "ioredis"]] : [["here", "ioredis"], ["here", "here"]] });
