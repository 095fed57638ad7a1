// Runs the suites: `node run.mjs [OPTION...] [WORD...]`.
//
//   --target go    builds ../cmd/socketio and ./server once and tests them (the default)
//   --target node  tests ./oracle, the official implementation, with the same scenarios
//   --suite wire   scenarios with the official client, conformance suites, bad input, the demo (the default)
//   --suite browser  the chat page in headless Chromium
//   --suite differential  raw scripts and generated packets, answered by the official packages and by ours
//   --play TEXT    in that suite, only the scripts whose name contains TEXT, and both transcripts of each
//   --mode portable  builds the servers so that each WebSocket has a goroutine, even where an event loop could wait for it
//   --race         builds with Go's race detector: slower, and any race fails the test file that met it
//   WORD           only test files whose path contains one of the words
//
// A whole suite that passes against --target go leaves its labels (lib/covers.mjs) in ../artifacts/ledger for `make ledger`.
//
// Whatever the tests start belongs to one process group, which ends with this process in every case.

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";

const here = import.meta.dirname;
const root = join(here, "..");
const suites = { wire: ["scenarios", "conformance", "bad-input", "demo", "differential"], browser: ["browser"], differential: ["differential"] };

/** Ends the run with one line that says what is missing. */
function fail(line) {
  console.error(`compat-tests: ${line}`);
  process.exit(1);
}

let values, words;
try {
  ({ values, positionals: words } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string", default: "go" },
      suite: { type: "string", default: "wire" },
      mode: { type: "string", default: "auto" },
      race: { type: "boolean", default: false },
      play: { type: "string" },
    },
  }));
} catch (error) {
  fail(error.message);
}
if (!["go", "node"].includes(values.target) || !Object.hasOwn(suites, values.suite) || !["auto", "portable"].includes(values.mode)) {
  fail("usage: node run.mjs --target go|node [--suite wire|browser|differential] [--mode auto|portable] [--play TEXT] [--race] [WORD...]");
}

// Everything temporary goes here, that of the browser and of the tests too, so that all of it can be removed.
const temporary = mkdtempSync(join(tmpdir(), "compat-tests-"));
let tests;
let interrupted = false;

/** Sends a signal to everything that the tests started. */
function signalTests(signal) {
  try {
    process.kill(-tests.pid, signal);
  } catch {
    // Nothing was started, or everything has ended by itself.
  }
}

process.on("exit", () => {
  signalTests("SIGKILL");
  rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    // First a chance to end the browser, which is in a group of its own; then whoever has not taken it is killed.
    signalTests("SIGTERM");
    setTimeout(() => process.exit(130), tests?.exitCode === null ? 3_000 : 0);
    interrupted = true;
  });
}

/** Builds a Go command and returns the path of its binary. */
function build(name, directory, pkg) {
  const output = join(temporary, name);
  const mode = values.mode === "auto" ? "" : values.mode;
  const flags = ["-ldflags", `-X github.com/gosocketio/socketio/engineio.defaultMode=${mode}`, ...(values.race ? ["-race"] : [])];
  const args = ["build", ...flags, "-o", output, pkg];
  const { error, status, stderr } = spawnSync("go", args, { cwd: directory, encoding: "utf8" });
  if (error) {
    fail(`cannot run go: ${error.message}`);
  }
  if (status !== 0) {
    const [first] = stderr.split("\n").filter((line) => line && !line.startsWith("#"));
    fail(`cannot build ${relative(root, join(directory, pkg))}: ${first ?? `go ended with ${status}`}`);
  }
  return output;
}

if (!existsSync(join(here, "node_modules", "socket.io-client"))) {
  fail("npm packages are missing: run `npm ci` in compat-tests");
}

const covers = join(temporary, "covers");
writeFileSync(covers, "");
const labels = values.target === "go" && words.length === 0 && join(root, "artifacts", "ledger", `compat-${values.suite}.jsonl`);
if (labels) {
  mkdirSync(dirname(labels), { recursive: true });
  rmSync(labels, { force: true });
}
const env = { ...process.env, COMPAT_TARGET: values.target, COMPAT_COVERS: covers, TMPDIR: temporary };
if (values.play !== undefined) {
  env.COMPAT_PLAY = values.play;
}
if (values.suite === "browser") {
  env.CHROMIUM ??= "/usr/bin/chromium";
  if (!existsSync(env.CHROMIUM)) {
    fail(`no Chromium at ${env.CHROMIUM}: install Debian's package chromium, or name one in CHROMIUM`);
  }
}
if (values.target === "node") {
  env.COMPAT_SERVER = JSON.stringify([process.execPath, join(here, "oracle", "server.mjs")]);
} else {
  env.COMPAT_SERVER = JSON.stringify([build("compat-server", here, "./server")]);
  env.COMPAT_DEMO = build("socketio", root, "./cmd/socketio");
}

const files = suites[values.suite]
  .filter((directory) => values.target === "go" || values.suite === directory || !["demo", "differential"].includes(directory))
  .flatMap((directory) => readdirSync(join(here, directory)).map((name) => join(directory, name)))
  .filter((file) => file.endsWith(".test.mjs"))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
if (files.length === 0) {
  fail(`no test file matches ${words.join(" ")}`);
}

// Two files at a time: the scenarios mostly wait, but the heartbeats of the conformance suites are short.
tests = spawn(
  process.execPath,
  ["--test", "--test-reporter=spec", "--test-concurrency=2", "--test-timeout=120000", ...files],
  { cwd: here, env, stdio: "inherit", detached: true },
);
tests.once("close", (code) => {
  if (labels && code === 0 && !interrupted) {
    copyFileSync(covers, labels);
  }
  process.exit(interrupted ? 130 : (code ?? 1));
});
