// Processes that the tests start, none of which outlives them.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { within, withResolvers } from "./deadline.mjs";

const running = new Set();

process.on("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => process.exit(1));
}

/** How long a process may take to start, or to end when it is asked to, in milliseconds. */
const PATIENCE = 20_000;

/** A child process and what it has written so far. */
export class Process {
  #child;
  #exit = withResolvers();
  #line = withResolvers();
  #pattern;
  stdout = "";
  stderr = "";

  /** Starts program; `line` looks for pattern in what it writes. */
  constructor(program, args, { cwd, pattern = /^/ } = {}) {
    this.#pattern = pattern;
    this.#line.promise.catch(() => {});
    this.#child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.#child);
    this.#child.once("error", (error) => this.#ended({ error: error.message }));
    this.#child.once("close", (code, signal) => this.#ended({ code, signal }));
    for (const name of ["stdout", "stderr"]) {
      createInterface({ input: this.#child[name] }).on("line", (line) => this.#wrote(name, line));
    }
  }

  #wrote(name, line) {
    this[name] += `${line}\n`;
    const match = this.#pattern.exec(line);
    if (match) {
      this.#line.resolve(match);
    }
  }

  #ended(how) {
    running.delete(this.#child);
    this.#exit.resolve(how);
    this.#line.reject(new Error(`the process ended: ${JSON.stringify(how)} ${this.stdout}${this.stderr}`));
  }

  /** The first match of the pattern in a line of either output. */
  get line() {
    return within(this.#line.promise, "the first line of a process", PATIENCE);
  }

  /** Resolves with {code, signal} when the process has ended. */
  get exited() {
    return within(this.#exit.promise, "the end of a process", PATIENCE);
  }

  /** Ends the process at once, as kill -9 does. Rejects when it had complained of itself. */
  async kill() {
    this.#child.kill("SIGKILL");
    const how = await this.exited;
    const complaint = /^.*(DATA RACE|panic|fatal error)[^]*/m.exec(this.stderr);
    if (complaint) {
      throw new Error(`the process wrote: ${complaint[0]}`);
    }
    return how;
  }

  /** Stops the process in its tracks, as a machine does that has lost its power: its connections stay open. Resolves when it stands. */
  async freeze() {
    this.#child.kill("SIGSTOP");
    const tasks = `/proc/${this.#child.pid}/task`;
    const runs = (task) => {
      try {
        return !/\) T /.test(readFileSync(`${tasks}/${task}/stat`, "latin1"));
      } catch {
        return false; // the thread has ended
      }
    };
    while (existsSync(tasks) && readdirSync(tasks).some(runs)) { // on other systems than Linux it is soon enough
      await setImmediate();
    }
  }

  /** Lets a frozen process go on. */
  thaw() {
    this.#child.kill("SIGCONT");
  }

  /** Asks the process to end, and resolves with {code, signal}. */
  stop() {
    this.#child.kill("SIGTERM");
    return this.exited;
  }
}
