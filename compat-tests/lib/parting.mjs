import { within } from "./deadline.mjs";
import { ask } from "./suite.mjs";

/** Resolves with the reason why the server let a socket go, asked by another one until it knows. */
export function reasonAtServer(witness, id) {
  let given = false;
  const answer = async () => {
    for (;;) {
      const [reason] = await ask(witness, "reason", id);
      if (reason !== null || given) {
        return reason;
      }
    }
  };
  return within(answer(), "the reason at the server").finally(() => (given = true));
}
