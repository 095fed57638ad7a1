// The one case of the official protocol suites that measures time, with their own timing: a session that sends no pong is
// gone when its client asks PingInterval + PingTimeout after the handshake. It is a race between two clocks that even the
// official server loses at times; so both servers run it side by side, and the official one is the measure.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { setTimeout } from "node:timers/promises";
import { get } from "../lib/http.mjs";
import { Engine } from "../lib/engine.mjs";
import { Process } from "../lib/process.mjs";
import { test } from "../lib/results.mjs";
import { startServer } from "../lib/server.mjs";
import { targets } from "../lib/targets.mjs";

const INTERVAL = 300;
const TIMEOUT = 200;
const ROUNDS = 24;
const SESSIONS = 10;
const flags = ["-ping-interval", `${INTERVAL}ms`, "-ping-timeout", `${TIMEOUT}ms`, "-cors", "*"];

let tested, official, process;
before(async () => {
  tested = await startServer(flags);
  const [program, ...args] = targets.node.command;
  process = new Process(program, [...args, "-addr", "127.0.0.1:0", ...flags], { pattern: /^listening on (.+)$/ });
  const [, url] = await process.line;
  official = { url };
});
after(async () => {
  await tested?.kill();
  await process?.kill();
});

/** The case of the suites: 1 when it is green, 0 when not. */
async function isGone(server, path) {
  const session = await new Engine(server, path).poll();
  await setTimeout(INTERVAL + TIMEOUT);
  const { status } = await get(session.url);
  return status === 400 ? 1 : 0;
}

for (const path of ["/engine.io/", "/socket.io/"]) {
  test(`a silent session of ${path} is gone on time, at least as often as the official server's`, async (t) => {
    let ours = 0;
    let theirs = 0;
    let all = 0;
    // A busy machine may cost one in 20; a server that is a few milliseconds late loses nearly all.
    const isEnough = () => ours >= theirs - all / 20;
    const play = async (server) => {
      const green = await Promise.all(Array.from({ length: SESSIONS }, () => isGone(server, path)));
      return green.reduce((sum, n) => sum + n, 0);
    };
    await Promise.all([tested, official].map(play)); // the first requests of a process take their time
    // The sessions of a round are late together: one that a moment's stop has cost takes 20 rounds to be one in 20.
    for (let round = 0; round < ROUNDS && (round < 2 || !isEnough()); round++) {
      // One round for each in turn: what is late then is the server, and not the other one's requests.
      ours += await play(tested);
      theirs += await play(official);
      all += SESSIONS;
      t.diagnostic(`${ours} green, ${theirs} with the official server`);
    }
    assert.ok(isEnough(), `${ours} of ${all} were green, ${theirs} with the official server`);
  });
}
