import assert from "node:assert/strict";
import { test } from "../lib/results.mjs";
import { spawnServer } from "../lib/server.mjs";

/** Runs the server with flags that it must refuse. */
async function refused(...flags) {
  const server = spawnServer(...flags);
  const { code } = await server.exited;
  return { code, stdout: server.stdout, lines: server.stderr.trimEnd().split("\n") };
}

test("an unknown flag ends the server with a line that names it", async () => {
  const { code, stdout, lines } = await refused("-no-such-flag");
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(lines.length, 1);
  assert.match(lines[0], /no-such-flag/);
});
