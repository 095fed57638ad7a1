// The servers of both sides, one process for each set of flags, started when a script first needs it.

import { join } from "node:path";
import { Process } from "../lib/process.mjs";

const oracle = [process.execPath, join(import.meta.dirname, "..", "oracle", "server.mjs")];
const ours = JSON.parse(process.env.COMPAT_SERVER);

const running = new Map();
const processes = [];

async function start([program, ...args], flags) {
  const server = new Process(program, [...args, "-addr", "127.0.0.1:0", ...flags], {
    pattern: /^listening on http:\/\/(.+):(\d+)$/,
  });
  processes.push(server);
  const [, host, port] = await server.line;
  return { host, port: Number(port) };
}

/** Resolves with {official, ours}: two servers with these flags. */
export function serversWith(flags = []) {
  const key = flags.join(" ");
  if (!running.has(key)) {
    running.set(key, Promise.all([start(oracle, flags), start(ours, flags)]));
  }
  return running.get(key).then(([official, own]) => ({ official, ours: own }));
}

/** Ends them all, those too that did not get as far as to listen; rejects when one of ours had complained. */
export async function killServers() {
  await Promise.allSettled(running.values());
  await Promise.all(processes.map((server) => server.kill()));
}
