// Is loaded before each test file, with --import: adds the file to those of COMPAT_PASSED when nothing in it has failed.

import { appendFileSync } from "node:fs";

process.on("exit", (code) => {
  if (code === 0 && process.env.NODE_TEST_CONTEXT) {
    appendFileSync(process.env.COMPAT_PASSED, `${process.argv[1]}\n`);
  }
});
