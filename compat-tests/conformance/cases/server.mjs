// The servers that the public conformance suites of both protocols describe.

import { useServer } from "../../lib/suite.mjs";
import { Engine } from "../../lib/engine.mjs";

/** The suites' short wait for a client that joins nothing. */
export const hasty = ["-connect-timeout", "1s"];

/** The suites' short heartbeat. */
export const short = ["-ping-interval", "300ms", "-ping-timeout", "200ms", ...hasty];

/** The same, with time for what the client has to send on a busy machine, though it joins nothing. */
export const answered = ["-ping-interval", "300ms", "-ping-timeout", "2s"];

/** An Engine at path on a server of this file's own. Without flags no heartbeat comes between the steps of a case. */
export function useEngine(path, flags = []) {
  return new Engine(useServer("-cors", "*", ...flags), path);
}
