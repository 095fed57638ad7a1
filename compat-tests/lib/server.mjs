// Starts the interop server under test as a process of its own, and makes sure that none outlives the tests.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once, within, withResolvers } from "./deadline.mjs";

const running = new Set();

function killAll() {
  for (const child of running) {
    child.kill("SIGKILL");
  }
}
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => process.exit(1));
}

/** The command of the server under test, an array; run.mjs chooses it. */
function command() {
  const text = process.env.COMPAT_SERVER;
  if (!text) {
    throw new Error("COMPAT_SERVER is not set: run scenarios through `npm test` or `npm run test:oracle`");
  }
  return JSON.parse(text);
}

/** Which server is under test: "go" is ours, "node" the official one. */
export const target = process.env.COMPAT_TARGET;

/** Spawns the server under test with flags, without waiting for it. */
export function spawnServer(...flags) {
  const [program, ...args] = command();
  const child = spawn(program, [...args, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const exit = withResolvers();
  child.once("error", (error) => exit.resolve({ error }));
  child.once("close", (code, signal) => {
    running.delete(child);
    exit.resolve({ code, signal });
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (output.stdout += chunk));
  child.stderr.on("data", (chunk) => (output.stderr += chunk));
  return { child, exited: exit.promise, output };
}

/**
 * Starts the server under test on a free port of the loopback interface, or on the given one, and resolves when it
 * listens. The flags are those of ../server.
 */
export async function startServer(flags = [], { port = 0 } = {}) {
  const { child, exited, output } = spawnServer("-addr", `127.0.0.1:${port}`, ...flags);
  const lines = createInterface({ input: child.stdout });
  const started = await Promise.race([
    once(lines, "line", 20_000),
    exited.then((how) => Promise.reject(new Error(`server ended: ${JSON.stringify(how)} ${output.stderr}`))),
  ]);
  const address = /^listening on (http:\/\/(\S+):(\d+))$/.exec(started[0]);
  if (!address) {
    child.kill("SIGKILL");
    throw new Error(`first line of the server: ${JSON.stringify(started[0])}`);
  }

  async function end(signal) {
    child.kill(signal);
    return within(exited, `the server's end after ${signal}`, 20_000);
  }
  return {
    url: address[1],
    host: address[2],
    port: Number(address[3]),
    output,
    exited,
    /** Ends the process at once, as kill -9 does. */
    kill: () => end("SIGKILL"),
    /** Asks the process to end, and resolves with {code, signal}. */
    stop: () => end("SIGTERM"),
  };
}
