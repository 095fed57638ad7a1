import assert from "node:assert/strict";
import { target } from "../lib/server.mjs";
import { connect, record, scenario, useServer } from "../lib/suite.mjs";

const server = useServer();

/** Emits, and resolves with what the acknowledgement callback of a client with retries gets: an error first. */
const reliably = (socket, ...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));

// The handler of "noted" acknowledges nothing. Here a handler that returns has acknowledged; with other servers the client tries again
// and gives up, and whatever it sends later waits for that.
scenario("with retries a handler without an acknowledgement does not block the client", { from: "4.6" }, async (t, way) => {
  const official = target !== "go";
  const socket = await connect(t, server.url, way, { retries: 3, ackTimeout: official ? 50 : 8_000 });
  const back = record(socket, "noted");
  assert.deepEqual(await reliably(socket.timeout(8_000), "ack", 1), [null, 1]);
  const answers = await Promise.all([0, 1, 2].map((i) => reliably(socket, "noted", i)));
  if (official) {
    assert.deepEqual(answers.map(([error]) => error.message), Array(3).fill("operation has timed out"));
  } else {
    assert.deepEqual(answers, [[null], [null], [null]]);
    assert.deepEqual(back.drain(), [[0], [1], [2]]);
  }
});
