// What a scenario says for the ledger (docs/evidence/ledger/cases.txt, `make ledger`): which cases it holds.

import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { beforeEach } from "node:test";

const file = relative(`${import.meta.dirname}/..`, process.argv[1]);
let test;

// The tests of a file run one after the other.
beforeEach((t) => {
  test = t.fullName;
});

/**
 * The running test asserts what the cases with these ids (separated by blanks) say. It is called at the top of the test, after whatever
 * may skip it. The runner keeps the labels of a run that passed as a whole.
 */
export function covers(ids) {
  if (process.env.COMPAT_COVERS) {
    const result = { test: `compat-tests: ${file}: ${test}`, outcome: "pass", covers: ids.split(/\s+/) };
    appendFileSync(process.env.COMPAT_COVERS, `${JSON.stringify(result)}\n`);
  }
}
