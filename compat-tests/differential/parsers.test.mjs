// Feeds generated packets and payloads, well-formed and not, to the official parsers and to ours: both must make the same of them,
// or refuse them both.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { undocumented } from "./documented.mjs";
import { Bridge } from "./parsers/bridge.mjs";
import * as engine from "./parsers/engine.mjs";
import { Generator } from "./parsers/generator.mjs";
import { known } from "./parsers/known.mjs";
import * as sockets from "./parsers/sockets.mjs";
import { Random } from "./random.mjs";

/** How many inputs each comparison has. */
const COUNT = Number(process.env.COMPAT_PARSED ?? 8_000);

/** How many of the differences of a comparison are shown. */
const SHOWN = 10;

let bridge;
before(() => {
  bridge = new Bridge();
});
after(() => bridge.close());

const used = new Set();

/** What there is to be compared of a result: its value, whether it was refused, and how where the official parser says so. */
function seen({ value, error }, view, isSaid) {
  return { value: view && value ? view(value) : value, refused: isSaid ? error : error !== undefined };
}

function isSame(official, ours, view) {
  // Where a mistake throws an error of the runtime or of a MessagePack library, there is no message to be compared.
  const isSaid = typeof official.error === "string" && ours.error !== undefined && isMessage(official.error) && ours.error !== "invalid format";
  return isDeepStrictEqual(seen(official, view, isSaid), seen(ours, view, isSaid));
}

const isMessage = (error) => !/is not|Cannot read|undefined|trailing bytes|Could not parse|out of range/.test(error);

async function compare(of, { op, inputs, official, view }) {
  const results = await bridge.ask(op, inputs);
  const differing = [];
  for (const [i, input] of inputs.entries()) {
    const [theirs, ours] = [official[i], results[i]];
    if (isSame(theirs, ours, view)) {
      continue;
    }
    const entry = known.find((k) => of.startsWith(k.of) && k.when({ input, official: theirs, ours }));
    if (entry) {
      used.add(entry);
    } else {
      differing.push({ input, official: theirs, ours });
    }
  }
  const lines = differing.slice(0, SHOWN).map((d) => `  input     ${readable(d.input)}\n  official  ${readable(d.official)}\n  ours      ${readable(d.ours)}`);
  assert.equal(differing.length, 0, `${differing.length} of ${inputs.length} differ:\n${lines.join("\n\n")}`);
}

/** A value as JSON, with its base64 as text where it is some. */
function readable(value) {
  return JSON.stringify(value, (key, member) => {
    if ((key !== "data" && key !== "binary" && key !== "value") || typeof member !== "string") {
      return member;
    }
    return Buffer.from(member, "base64").toString("latin1");
  });
}

let seed = 1;
const stream = () => {
  const random = new Random(seed++);
  return [new Generator(random), random];
};

for (const form of engine.forms) {
  test(`engine: ${form} decoded`, async () => compare(`decode ${form}`, await engine.decoding(form, COUNT, ...stream())));
  if (form.startsWith("payload")) {
    test(`engine: ${form} encoded`, async () => compare(`encode ${form}`, await engine.encoding(form, COUNT, ...stream())));
  }
}
for (const name of ["sockets", "msgpack"]) {
  test(`${name} decoded`, () => compare(`decode ${name}`, sockets.decoding(name, COUNT, ...stream())));
  test(`${name} encoded`, () => compare(`encode ${name}`, sockets.encoding(name, COUNT, ...stream())));
}

test("every known difference is documented", () => {
  assert.deepEqual(undocumented(known), []);
});

test("every known difference is met", () => {
  assert.deepEqual(known.filter((entry) => !used.has(entry) && !entry.sometimes), []);
});
