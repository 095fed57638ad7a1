// What the tools themselves say to what they cannot do: one line, and no process is left behind.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { within } from "../lib/deadline.mjs";
import { startServer, spawnServer } from "../lib/server.mjs";

const root = join(import.meta.dirname, "..");

/** Starts a tool in a directory; everything that it starts carries mark in its environment. */
function start(directory, args, env = {}) {
  const mark = `COMPAT_MARK=${process.pid}-${Math.random()}`;
  const [name, value] = mark.split("=");
  // As a person would start it: not as a part of this run.
  const child = spawn(process.execPath, args, { cwd: directory, env: { ...process.env, NODE_TEST_CONTEXT: undefined, COMPAT_CLIENTS: undefined, ...env, [name]: value } });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (output.stdout += text));
  child.stderr.on("data", (text) => (output.stderr += text));
  const ended = new Promise((done) => child.once("close", (code) => done({ code, ...output })));
  return { child, output, ended: within(ended, `the end of ${args.join(" ")}`, 50_000), mark };
}

/** The processes with a mark in their environment, where the system shows them. */
function marked(mark) {
  if (!existsSync("/proc/self/environ")) {
    return [];
  }
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark);
    } catch {
      return false; // it has ended, or is somebody else's
    }
  });
}

async function assertNoneLeft(mark) {
  // Whoever was killed takes a moment to end.
  for (let i = 0; i < 100 && marked(mark).length > 0; i++) {
    await pause(50);
  }
  assert.deepEqual(marked(mark), []);
}

const wrong = {
  "run: an unknown server": [["run.mjs", "--target", "deno"], /^compat-tests: --target: there is go, node, peer, and no deno$/],
  "run: an unknown client": [["run.mjs", "--client", "9.9.9"], /^compat-tests: --client: there is 1\.7\.4, .*, and no 9\.9\.9$/],
  "run: an unknown suite": [["run.mjs", "--suite", "all"], /^compat-tests: --suite: there is .*, and no all$/],
  "run: an unknown option": [["run.mjs", "--fast"], /^compat-tests: .*--fast/],
  "run: no such file": [["run.mjs", "--target", "node", "no-such-scenario"], /^compat-tests: no test file matches no-such-scenario$/],
  "matrix: an unknown server": [["matrix.mjs", "--target", "deno"], /^compat-tests: --target: there is go, node, peer, and no deno$/],
  "matrix: an unknown client": [["matrix.mjs", "--client", "9.9.9"], /^compat-tests: --client: there is 1\.7\.4, .*, and no 9\.9\.9$/],
  "matrix: no results of ours": [["matrix.mjs", "--ours", "no-such.jsonl"], /^compat-tests: --ours: there is no file no-such\.jsonl$/],
  "matrix: an unknown option": [["matrix.mjs", "--fast"], /^compat-tests: .*--fast/],
};
for (const [name, [args, line]] of Object.entries(wrong)) {
  test(name, async () => {
    const { ended, mark } = start(root, args);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr.trimEnd(), line);
    assert.doesNotMatch(stderr.trimEnd(), /\n/);
    await assertNoneLeft(mark);
  });
}

for (const tool of ["run.mjs", "matrix.mjs"]) {
  test(`${tool}: npm packages are missing`, async (t) => {
    const copy = mkdtempSync(join(tmpdir(), "without-packages-"));
    t.after(() => rmSync(copy, { recursive: true }));
    cpSync(join(root, tool), join(copy, tool));
    cpSync(join(root, "lib"), join(copy, "lib"), { recursive: true });
    const { code, stderr } = await start(copy, [tool]).ended;
    assert.equal(code, 1);
    assert.equal(stderr, "compat-tests: npm packages are missing: run `npm ci` in compat-tests\n");
  });
}

test("a server that does not come up is one line", async (t) => {
  const copy = mkdtempSync(join(tmpdir(), "broken-server-"));
  t.after(() => rmSync(copy, { recursive: true }));
  for (const part of ["run.mjs", "lib", "scenarios"]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const directory of ["conformance", "bad-input", "oracle"]) {
    mkdirSync(join(copy, directory));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "oracle", "server.mjs"), 'throw new Error("no server today");');
  const { ended, mark } = start(copy, ["run.mjs", "--target", "node"]);
  const { code, stderr } = await ended;
  assert.equal(code, 1);
  assert.match(stderr, /^compat-tests: the server does not come up: .*no server today.*\n$/);
  await assertNoneLeft(mark);
});

test("a port that is taken is one line", async (t) => {
  const server = await startServer();
  t.after(() => server.kill());
  const second = spawnServer("-addr", `127.0.0.1:${server.port}`);
  const { code } = await second.exited;
  assert.notEqual(code, 0);
  assert.equal(second.stdout, "");
  assert.match(second.stderr, /^.*address already in use.*\n$/);
});

test("a run that is interrupted takes everything along", async () => {
  const run = start(root, ["run.mjs", "--target", "node", "--client", "4.8.4", "scenarios/heartbeat", "scenarios/many-clients"]);
  await within((async () => {
    while (!run.output.stdout) {
      await pause(50);
    }
  })(), "the first result", 50_000);
  run.child.kill("SIGTERM");
  const { code } = await run.ended;
  assert.equal(code, 130);
  await assertNoneLeft(run.mark);
});
