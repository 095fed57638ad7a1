import { join } from "node:path";
import { Process } from "../lib/process.mjs";

/** Starts the demo as `make run` does, on a free port or on the given one; resolves when it listens. */
export async function startDemo({ port = 0 } = {}) {
  const demo = new Process(process.env.COMPAT_DEMO, ["serve", "-addr", `127.0.0.1:${port}`], {
    cwd: join(import.meta.dirname, "..", ".."),
    pattern: /(http:\/\/127\.0\.0\.1:(\d+))/,
  });
  const [, url, actual] = await demo.line;
  return { url, port: Number(actual), kill: () => demo.kill(), stop: () => demo.stop() };
}
