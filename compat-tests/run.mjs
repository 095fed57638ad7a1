// Runs the suites against one server: `node run.mjs [OPTION...] [WORD...]`.
//
//   --target NAME  the server: go (this repository's, the default), node (the official one), peer; see lib/targets.mjs
//   --suite wire   scenarios with the official clients, conformance suites, bad input, the demo (the default)
//   --suite browser  headless Chromium: the chat page, and pages behind nginx, HAProxy and Vite
//   --suite chromium  scenarios with bundles of the official client in headless Chromium
//   --suite differential  raw scripts and generated packets, answered by the official packages and by ours
//   --suite cluster  servers of both kinds that share a Redis or PostgreSQL
//   --suite matrix  what matrix.mjs compares: what makes sense for every server
//   --play TEXT    in that suite, only the scripts whose name contains TEXT, and both transcripts of each
//   --mode portable  builds the servers so that each WebSocket has a goroutine, even where an event loop could wait for it
//   --client NAME  only this client (lib/clients.mjs); may be given several times. Default: all of them
//   --race         builds with Go's race detector: slower, and any race fails the test file that met it
//   --results FILE writes a line of JSON there for what became of each scenario
//   --at-once N    how many test files run at the same time. Default 2
//   --patience MS  how long a scenario waits for what should happen at once
//   WORD           only test files whose path contains one of the words
//
// Test files in which something failed are run once more, one at a time, and it is told: a busy machine may let a deadline pass. Not
// where a server complained of itself: a data race, a panic.
//
// A whole suite that passes against --target go leaves its labels (lib/covers.mjs) in ../artifacts/ledger for `make ledger`.
//
// Whatever the tests start belongs to one process group, which ends with this process in every case.

import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { targets } from "./lib/targets.mjs";

const here = import.meta.dirname;
const root = join(here, "..");
const suites = { wire: ["scenarios", "conformance", "bad-input", "demo", "differential", "tools"], browser: ["browser", "chromium", "proxies"], chromium: ["chromium"], differential: ["differential"], cluster: ["cluster"], matrix: ["scenarios", "conformance", "bad-input", "chromium"] };

/** Ends the run with one line that says what is missing. */
function fail(line) {
  console.error(`compat-tests: ${line}`);
  process.exit(1);
}

/** The value, which has to be one of the choices. */
function choose(option, value, choices) {
  if (!choices.includes(value)) {
    fail(`${option}: there is ${choices.join(", ")}, and no ${value}`);
  }
  return value;
}

if (!existsSync(join(here, "node_modules", "socket.io-client"))) {
  fail("npm packages are missing: run `npm ci` in compat-tests");
}
const { clientNames } = await import("./lib/clients.mjs");

let values, words;
try {
  ({ values, positionals: words } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string", default: "go" },
      suite: { type: "string", default: "wire" },
      client: { type: "string", multiple: true, default: clientNames },
      mode: { type: "string", default: "auto" },
      race: { type: "boolean", default: false },
      play: { type: "string" },
      results: { type: "string" },
      "at-once": { type: "string", default: "2" },
      patience: { type: "string" },
    },
  }));
} catch (error) {
  fail(error.message);
}
const target = targets[choose("--target", values.target, Object.keys(targets))];
const directories = suites[choose("--suite", values.suite, Object.keys(suites))];
choose("--mode", values.mode, ["auto", "portable"]);
values.client.forEach((name) => choose("--client", name, clientNames));

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
function build(name, { directory, package: pkg, env = {}, race = values.race }) {
  const output = join(temporary, name);
  const variable = { auto: "defaultMode=", portable: "defaultMode=portable" }[values.mode];
  const flags = ["-ldflags", `-X github.com/gosocketio/socketio/engineio.${variable}`, ...(race ? ["-race"] : [])];
  const args = ["build", ...flags, "-o", output, pkg];
  const { error, status, stderr } = spawnSync("go", args, { cwd: directory, encoding: "utf8", env: { ...process.env, ...env } });
  if (error) {
    fail(`cannot run go: ${error.message}`);
  }
  if (status !== 0) {
    const [first] = stderr.split("\n").filter((line) => line && !line.startsWith("#"));
    fail(`cannot build ${relative(root, join(directory, pkg))}: ${first ?? `go ended with ${status}`}`);
  }
  return output;
}

const covers = join(temporary, "covers");
const flaky = join(root, "artifacts", "flaky.txt"); // `make test` shows it
writeFileSync(covers, "");
const whole = words.length === 0 && values.client === clientNames;
const labels = target.ours && whole && join(root, "artifacts", "ledger", `compat-${values.suite}.jsonl`);
if (labels) {
  mkdirSync(dirname(labels), { recursive: true });
  rmSync(labels, { force: true });
}
const env = { ...process.env, COMPAT_TARGET: values.target, COMPAT_COVERS: covers, TMPDIR: temporary };
if (values.play !== undefined) {
  env.COMPAT_PLAY = values.play;
}
if (values.results) {
  env.COMPAT_RESULTS = resolve(values.results);
  mkdirSync(dirname(env.COMPAT_RESULTS), { recursive: true });
  writeFileSync(env.COMPAT_RESULTS, "");
}
if (values.patience) {
  env.COMPAT_PATIENCE = values.patience;
}
if (directories.includes("chromium")) {
  env.CHROMIUM ??= "/usr/bin/chromium";
  if (!existsSync(env.CHROMIUM)) {
    fail(`no Chromium at ${env.CHROMIUM}: install Debian's package chromium, or name one in CHROMIUM`);
  }
}

env.PATH += ":/usr/sbin"; // where Debian has nginx and HAProxy
if (directories.includes("proxies")) {
  for (const [program, flag] of [["nginx", "-v"], ["haproxy", "-v"]]) {
    if (spawnSync(program, [flag], { env }).error) {
      fail(`no ${program}: install Debian's package ${program}`);
    }
  }
}

if (["cluster", "browser"].some((name) => directories.includes(name))) {
  for (const program of ["redis-server", "redis-sentinel"]) {
    if (spawnSync(program, ["--version"], { env }).error) {
      fail(`no ${program}: install Debian's package ${program}`);
    }
  }
}

/** The test files of directories, as far as words chose them. */
function list(...directories) {
  return directories
    .filter((directory) => target.ours || values.suite === directory || !["demo", "differential", "tools", "proxies"].includes(directory))
    .flatMap((directory) => readdirSync(join(here, directory)).map((name) => join(directory, name)))
    .filter((file) => file.endsWith(".test.mjs"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
}

const passed = join(temporary, "passed");

/** Runs test files with the clients named, and resolves with the exit code, what was printed, and the files that did not pass. */
function runOnce(files, clients, atOnce, more = {}) {
  // At the end of a file its process ends: some old clients go on trying to reach a server that is gone, whatever they are told.
  // Two files at a time: the scenarios mostly wait, but the heartbeats of the conformance suites are short.
  writeFileSync(passed, "");
  tests = spawn(
    process.execPath,
    [
      "--import", pathToFileURL(join(here, "lib", "passed.mjs")),
      "--test", "--test-reporter=spec", `--test-concurrency=${atOnce}`, "--test-timeout=300000", "--test-force-exit", ...files,
    ],
    {
      cwd: here,
      env: { ...env, ...more, COMPAT_CLIENTS: clients.join(" "), COMPAT_PASSED: passed },
      stdio: ["inherit", "pipe", "inherit"],
      detached: true,
    },
  );
  let printed = "";
  tests.stdout.setEncoding("utf8").on("data", (text) => {
    printed += text;
    process.stdout.write(text);
  });
  return new Promise((done) => {
    tests.once("close", (code) => {
      signalTests("SIGKILL");
      const good = new Set(readFileSync(passed, "utf8").split("\n"));
      done({ code: code ?? 1, printed, bad: files.filter((file) => !good.has(join(here, file))) });
    });
  });
}

/** The same, and those files once more in which something failed. */
async function run(files, clients) {
  const { code, printed, bad } = await runOnce(files, clients, values["at-once"]);
  if (code === 0 || interrupted || bad.length === 0 || printed.includes("the process wrote: ")) {
    return code;
  }
  console.log(`compat-tests: something failed in ${bad.join(", ")}: once more`);
  const second = await runOnce(bad, clients, 1, { COMPAT_AGAIN: "1" });
  if (second.code === 0) {
    mkdirSync(dirname(flaky), { recursive: true });
    appendFileSync(flaky, bad.map((file) => `FLAKY: compat-tests/${file} failed, and passed when it was run again: mend it\n`).join(""));
  }
  return second.code;
}

// The clients of a form of packets that is not the usual one need servers that speak it: a run of its own.
const usual = values.client.filter((name) => !name.includes("+"));
const special = ["wire", "matrix"].includes(values.suite) ? values.client.filter((name) => name.includes("+")) : [];
const runs = [
  ...(usual.length > 0 ? [[list(...directories), usual]] : []),
  ...special.map((name) => [list("scenarios"), [name]]),
].filter(([files]) => files.length > 0);
if (runs.length === 0) {
  fail(`no test file matches ${words.join(" ")}`);
}

env.COMPAT_SERVER = JSON.stringify(target.go ? [build("compat-server", target.go)] : target.command);
if (values.suite !== "cluster" && (target.ours || values.suite === "differential")) {
  env.COMPAT_PARSERS = build("parserbridge", { directory: here, package: "./parserbridge" });
}
if (directories.includes("cluster") && target.ours) {
  env.COMPAT_NATS = build("natsserver", { directory: here, package: "./natsserver", race: false });
}
if (values.suite !== "cluster" && target.ours) {
  env.COMPAT_DEMO = build("socketio", { directory: root, package: "./cmd/socketio" });
}

/** Starts the server once and ends it again; what keeps it from coming up is said in one line, not in every test. */
async function check([program, ...args]) {
  const server = spawn(program, [...args, "-addr", "127.0.0.1:0"], { env, stdio: ["ignore", "pipe", "pipe"] });
  process.once("exit", () => server.kill("SIGKILL"));
  let errors = "";
  server.stderr.on("data", (text) => (errors += text));
  const reason = await new Promise((done) => {
    server.once("error", (error) => done(error.message));
    server.once("close", (code) => done(errors.split("\n").find((line) => /^(\w*Error|server|peer|oracle|panic|fatal error)\b.*:/.test(line)) ?? `it ended with ${code}`));
    server.stdout.once("data", () => done());
    setTimeout(() => done("it says nothing"), 20_000).unref();
  });
  server.kill("SIGKILL");
  if (reason) {
    fail(`the server does not come up: ${reason}`);
  }
}
await check(JSON.parse(env.COMPAT_SERVER));

let failed = 0;
for (const [files, clients] of runs) {
  const code = interrupted ? 130 : await run(files, clients);
  failed ||= code;
}
if (labels && failed === 0) {
  copyFileSync(covers, labels);
}
process.exit(interrupted ? 130 : failed);
