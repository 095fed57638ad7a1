// Plays the scripts against the official server and ours, and fails where the transcripts differ and no entry of known.mjs says
// why. With COMPAT_PLAY set, plays only the scripts whose name contains it, and prints both transcripts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { target } from "../lib/server.mjs";
import { brief, compare, sideBySide } from "./compare.mjs";
import { undocumented } from "./documented.mjs";
import { fuzzed } from "./fuzz.mjs";
import { known } from "./known.mjs";
import { play } from "./player.mjs";
import { tables } from "./scripts/index.mjs";
import { killServers, serversWith } from "./servers.mjs";

const wanted = process.env.COMPAT_PLAY;

/**
 * How the scripts are played: `pace` is how many milliseconds without anything end a step, and so many are played `atOnce`, for
 * they mostly wait. What differs is played again, slower, until it does not, or the time is up.
 */
const passes = [
  { pace: 120, atOnce: 48 },
  { pace: 400, atOnce: 24 },
  { pace: 800, atOnce: 24 },
  { pace: 1_500, atOnce: 12 },
];

/** When no further script is played again, in milliseconds: a server that is broken must not keep the file until it is ended. */
const TIME = 200_000;

const used = new Set();
after(killServers);

async function attempt(script, pace) {
  const servers = await serversWith(script.server);
  const [official, ours] = await Promise.all([
    play(script, servers.official, pace),
    play(script, servers.ours, pace),
  ]);
  const result = compare(script, { official, ours }, known);
  for (const entry of result.used) {
    used.add(entry);
  }
  return { script, transcripts: { official, ours }, differing: result.differing };
}

/** Plays scripts, so many at once, until isLate, and resolves with what came out of each, and with those that are left. */
async function playAll(scripts, { pace, atOnce }, isLate = () => false) {
  const waiting = [...scripts];
  const results = [];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (waiting.length > 0 && !isLate()) {
        results.push(await attempt(waiting.shift(), pace));
      }
    }),
  );
  return { results, waiting };
}

/** How many of a table's scripts that differ are shown whole, and how many that were asked for by name. */
const WHOLE = 5;
const SHOWN = 20;

function describeResult({ script, transcripts, differing }, i = 0) {
  if (i >= WHOLE && differing >= 0) {
    return brief(script, transcripts, differing);
  }
  const again = `npm run differential -- --play ${JSON.stringify(script.name)}`;
  return `${sideBySide(script, transcripts, differing)}\n  again: ${again}\n`;
}

/** Resolves with the results of the scripts that differ however often they are played. */
async function judge(scripts) {
  const start = performance.now();
  const isLate = () => performance.now() - start > TIME;
  let differing = [];
  for (const [i, pass] of passes.entries()) {
    const left = i === 0 ? scripts : differing.map(({ script }) => script);
    if (left.length === 0) {
      break;
    }
    const { results, waiting } = await playAll(left, pass, i > 0 ? isLate : undefined);
    if (wanted && results.length <= SHOWN) {
      console.log(results.map((result) => describeResult(result)).join("\n"));
    }
    const unplayed = differing.filter(({ script }) => waiting.includes(script));
    differing = [...results.filter((result) => result.differing >= 0), ...unplayed];
  }
  return differing;
}

const all = [...tables, { name: "fuzzed", scripts: fuzzed() }];
const names = all.flatMap(({ scripts }) => scripts.map(({ name }) => name));
test("every script has a name of its own, and there are 300 at least", () => {
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  assert.ok(names.length >= 300, `there are ${names.length}`);
});

const chosen = all.flatMap(({ scripts }) => scripts).filter(({ name }) => !wanted || name.includes(wanted));
let differing;
before(async () => {
  differing = await judge(chosen);
});

for (const { name, scripts } of all) {
  const here = scripts.filter((script) => chosen.includes(script));
  test(`${name}: ${here.length} scripts`, { skip: here.length === 0 && "not asked for" }, () => {
    const mine = differing.filter(({ script }) => here.includes(script));
    if (mine.length > 0) {
      assert.fail(`${mine.length} of ${here.length} scripts differ:\n\n${mine.map(describeResult).join("\n")}`);
    }
  });
}

test("every known difference is documented", () => {
  assert.deepEqual(undocumented(known), []);
});

test("every known difference is met", { skip: wanted ? "not all scripts were played" : target === "node" && "the two are one" }, () => {
  assert.deepEqual(known.filter((entry) => !used.has(entry) && !entry.sometimes), []);
});
