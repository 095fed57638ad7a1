// Holds the known differences to docs/differences.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const document = readFileSync(join(import.meta.dirname, "..", "..", "docs", "differences.md"), "utf8");

/** The entries whose `why` is not the beginning of a row there, and which do not say that they need none. */
export function undocumented(known) {
  return known.filter(({ why, isTrivial }) => !isTrivial && !document.includes(`\n| ${why}`)).map(({ why }) => why);
}
