// The server that the public conformance suites of both protocols describe: short heartbeats, short patience.

import { useServer } from "../../lib/suite.mjs";
import { Engine } from "../../lib/engine.mjs";

/** An Engine at path on a server of this file's own. */
export function useEngine(path) {
  const flags = ["-ping-interval", "300ms", "-ping-timeout", "200ms", "-connect-timeout", "1s", "-cors", "*"];
  return new Engine(useServer(...flags), path);
}
