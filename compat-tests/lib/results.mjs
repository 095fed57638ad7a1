// What became of each scenario, one line of JSON each, in the file that run.mjs names in COMPAT_RESULTS.

import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { test as declare } from "node:test";
import { parser } from "./clients.mjs";

const path = process.env.COMPAT_RESULTS;
const file = basename(process.argv[1] ?? "", ".test.mjs");

/** Whether this file has any test for the clients of this run. */
export const declared = { any: false };

function write(line) {
  if (path) {
    appendFileSync(path, `${JSON.stringify({ file, again: process.env.COMPAT_AGAIN, ...line })}\n`);
  }
}

/**
 * Makes run, a test's function, note what became of it. cell is {scenario, client, transport}. It is noted at once too,
 * so that a test that never ends is missed.
 */
export function noted(cell, run) {
  declared.any = true;
  write({ ...cell, state: "declared" });
  return async (t) => {
    const start = performance.now();
    let state = "pass";
    let error;
    try {
      return await run(t);
    } catch (reason) {
      state = "fail";
      error = String(reason?.message ?? reason).slice(0, 400);
      throw reason;
    } finally {
      write({ ...cell, state, error, ms: Math.round(performance.now() - start) });
    }
  };
}

/** node:test's test, noted: for what no client does, but bytes on the wire. */
export function test(name, ...rest) {
  const run = rest.pop();
  const [options = {}] = rest;
  if (parser) {
    return; // that run is about another form of packets
  }
  const cell = { scenario: name, client: "wire", transport: "" };
  declare(name, { timeout: 60_000, ...options }, options.skip ? run : noted(cell, run));
}
