// The interop server under test, whichever it is.

import { parser } from "./clients.mjs";
import { Process } from "./process.mjs";

/** Which server is under test: a name of targets.mjs. */
export const target = process.env.COMPAT_TARGET;

const pattern = /^listening on (http:\/\/(.+):(\d+))$/;

/** Spawns the server under test with flags, without waiting for it. They are those of ../server. */
export function spawnServer(...flags) {
  const command = process.env.COMPAT_SERVER;
  if (!command) {
    throw new Error("COMPAT_SERVER is not set: run scenarios through `npm test` or `npm run test:oracle`");
  }
  const [program, ...args] = JSON.parse(command);
  return new Process(program, [...args, ...flags], { pattern });
}

/**
 * Starts the server under test on a free port of the loopback interface, or on the given one, and resolves when it
 * listens.
 */
export async function startServer(flags = [], { port = 0 } = {}) {
  const form = parser ? ["-parser", parser] : [];
  return listening(spawnServer("-addr", `127.0.0.1:${port}`, ...form, ...flags));
}

/** Starts the official server, whichever is under test, and resolves when it listens. */
export function startOfficial(flags = []) {
  const form = parser ? ["-parser", parser] : [];
  const oracle = new URL("../oracle/server.mjs", import.meta.url).pathname;
  return listening(new Process(process.execPath, [oracle, "-addr", "127.0.0.1:0", ...form, ...flags], { pattern }));
}

async function listening(server) {
  const [, url, host, actual] = await server.line;
  if (!server.stdout.startsWith("listening on ")) {
    await server.kill();
    throw new Error(`the server's first line is not its address: ${server.stdout}`);
  }
  return {
    url,
    host,
    port: Number(actual),
    kill: () => server.kill(),
    stop: () => server.stop(),
    log: () => server.stderr,
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
  };
}
