// Every scenario, with every client, over every transport, against every server: `node matrix.mjs [OPTION...] [WORD...]`.
//
//   --target NAME  only these servers, and ours (lib/targets.mjs); may be given several times
//   --client NAME  only these clients (lib/clients.mjs); may be given several times
//   --ours FILE    what a run with --results has written says how ours did: it is not run again
//   --no-write     leaves ../docs/evidence/compat-matrix.md as it is, as every run does that leaves something out
//   WORD           only test files whose path contains one of the words
//
// It fails where ours differs from the official server, and where a scenario fails against both. Test files in which something differs
// are run once more, against both, and what they say then counts: a busy machine may let a deadline pass. It is told. What each run
// printed is in ../artifacts/compat.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { targets } from "./lib/targets.mjs";
import { Matrix, readResults } from "./lib/matrix.mjs";

const here = import.meta.dirname;
const root = join(here, "..");
const artifacts = join(root, "artifacts", "compat");

/** How long all of a server's scenarios may take, in milliseconds: one that hangs must not hang the run. */
const TIME = 12 * 60_000;

function fail(line) {
  console.error(`compat-tests: ${line}`);
  process.exit(1);
}

let values, words;
try {
  ({ values, positionals: words } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      target: { type: "string", multiple: true, default: Object.keys(targets) },
      client: { type: "string", multiple: true },
      ours: { type: "string" },
      write: { type: "boolean", default: true },
    },
  }));
} catch (error) {
  fail(error.message);
}
for (const name of values.target) {
  if (!Object.hasOwn(targets, name)) {
    fail(`--target: there is ${Object.keys(targets).join(", ")}, and no ${name}`);
  }
}
if (!existsSync(join(here, "node_modules", "socket.io-client"))) {
  fail("npm packages are missing: run `npm ci` in compat-tests");
}
const { clientNames } = await import("./lib/clients.mjs");
for (const name of values.client ?? []) {
  if (!clientNames.includes(name)) {
    fail(`--client: there is ${clientNames.join(", ")}, and no ${name}`);
  }
}
if (values.ours !== undefined && !existsSync(values.ours)) {
  fail(`--ours: there is no file ${values.ours}`);
}
const whole = words.length === 0 && !values.client && values.target.length === Object.keys(targets).length;

let child;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    child?.once("close", () => process.exit(130));
    child?.kill("SIGTERM");
  });
}

/** Runs everything against a server, or the test files named, and resolves with its cells. What it printed goes to a file. */
async function judge(name, files) {
  const run = files ? `${name}-again` : name;
  const results = join(artifacts, `${run}.jsonl`);
  const log = join(artifacts, `${run}.log`);
  writeFileSync(results, "");
  const { patience = [], lacks = [], title } = targets[name];
  const clients = (values.client ?? clientNames).filter((client) => !lacks.includes(client)).flatMap((client) => ["--client", client]);
  const args = [join(here, "run.mjs"), "--target", name, "--suite", "matrix", "--results", results, ...patience, ...clients, ...(files ?? words)];
  const output = openSync(log, "w");
  const start = performance.now();
  child = spawn(process.execPath, args, { stdio: ["ignore", output, output] });
  const late = setTimeout(() => child.kill("SIGTERM"), TIME);
  const code = await new Promise((done) => child.once("close", done));
  clearTimeout(late);
  const cells = readResults(readFileSync(results, "utf8"));
  const passed = [...cells.values()].filter(({ state }) => state === "pass").length;
  console.log(`${title}: ${passed} of ${cells.size} passed, in ${Math.round((performance.now() - start) / 1000)} s`);
  if (cells.size === 0 && code !== 0) {
    console.log(`  ${readFileSync(log, "utf8").trimEnd().split("\n").at(-1)}`);
  }
  return { name, title, cells, code };
}

mkdirSync(artifacts, { recursive: true });
const judged = [];
for (const name of ["go", ...values.target.filter((name) => name !== "go")]) {
  const known = name === "go" && values.ours;
  judged.push(known ? { name, title: targets.go.title, cells: readResults(readFileSync(known, "utf8")), code: 0 } : await judge(name));
}
for (const { name, title, cells } of judged) {
  if (cells.size === 0 && targets[name].required) {
    fail(`nothing ran against ${title}: see ${join("artifacts", "compat", `${name}.log`)}`);
  }
}
const look = () => new Matrix(judged.filter(({ cells }) => cells.size > 0), clientNames);
let matrix = look();
const unsteady = [...matrix.differing, ...matrix.wrong].map(({ mine }) => mine);
if (unsteady.length > 0) {
  const files = [...new Set(unsteady.map(({ file }) => `/${file}.test.mjs`))];
  for (const it of judged.filter(({ name }) => name === "go" || name === "node")) {
    const again = await judge(it.name, files);
    it.code = again.code;
    again.cells.forEach((cell, key) => it.cells.set(key, cell));
  }
  matrix = look();
  for (const { file, scenario, client, transport } of unsteady) {
    console.log(`TWICE: ${file}: ${scenario}: ${client} ${transport}: something failed the first time`);
  }
}
console.log(`\n${matrix.print()}\n`);
console.log(`${matrix.scenarios} scenarios with clients, ${matrix.size} cells`);

if (values.write && whole && judged.every(({ cells }) => cells.size > 0)) {
  writeFileSync(join(root, "docs", "evidence", "compat-matrix.md"), matrix.document());
}
for (const { mine, theirs } of matrix.differing) {
  const [which, error] = mine.state === "fail" ? ["ours fails", mine.error] : ["only the official server fails", theirs.error];
  console.log(`DIFFERS: ${mine.file}: ${mine.scenario}: ${mine.client} ${mine.transport}: ${which}: ${error?.split("\n")[0]}`);
}
for (const { mine } of matrix.wrong) {
  console.log(`WRONG SCENARIO: ${mine.file}: ${mine.scenario}: ${mine.client} ${mine.transport}: ${mine.error?.split("\n")[0]}`);
}
if (judged[0].code !== 0 && matrix.differing.length + matrix.wrong.length === 0) {
  fail("the run against ours failed outside of the scenarios: see artifacts/compat/go.log");
}
process.exit(matrix.differing.length + matrix.wrong.length > 0 ? 1 : 0);
