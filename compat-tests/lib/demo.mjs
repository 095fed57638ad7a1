import { join } from "node:path";
import { Process } from "./process.mjs";

const root = join(import.meta.dirname, "..", "..");

/** Starts the demo as `make run` does, on a free port or on the given one; resolves when it listens. */
export const startDemo = ({ flags = [], ...rest } = {}) => startServe({ flags: ["-demo", ...flags], ...rest });

/** The same without the demo. */
export async function startServe({ port = 0, flags = [] } = {}) {
  const args = ["serve", "-addr", `127.0.0.1:${port}`, ...flags];
  const demo = new Process(process.env.COMPAT_DEMO, args, { cwd: root, pattern: /(?<=listening on )(https?):\/\/127\.0\.0\.1:(\d+)/ });
  const [url, , actual] = await demo.line;
  return { url, host: "127.0.0.1", port: Number(actual), kill: () => demo.kill(), stop: () => demo.stop() };
}
