// The library's parsers, in a process of their own (../../parserbridge).

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How many inputs go over in one line. */
const BATCH = 2_000;

export class Bridge {
  #child;
  #lines;

  constructor(program = process.env.COMPAT_PARSERS) {
    this.#child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves with a result, {value, error}, for each input. */
  async ask(op, inputs) {
    const results = [];
    for (let i = 0; i < inputs.length; i += BATCH) {
      this.#child.stdin.write(`${JSON.stringify({ op, in: inputs.slice(i, i + BATCH) })}\n`);
      const { value, done } = await this.#lines.next();
      if (done) {
        throw new Error("the parser bridge ended: its standard error says why");
      }
      results.push(...JSON.parse(value));
    }
    return results;
  }

  close() {
    this.#child.stdin.end();
  }
}
