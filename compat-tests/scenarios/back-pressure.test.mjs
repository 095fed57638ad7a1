// Events that wait for slow handlers, for longer than a client waits for a heartbeat.

import assert from "node:assert/strict";
import { within } from "../lib/deadline.mjs";
import { ask, connect, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3", "-ping-interval", "1s", "-ping-timeout", "2s", "-max-payload", "20000000");

const EVENTS = 64;
const DATA = Buffer.alloc(128 << 10, 1);

async function holds(t, way) {
  const socket = await connect(t, server.url, way);
  const lost = new Promise((_, reject) => socket.once("disconnect", (reason) => reject(new Error(`lost: ${reason}`))));
  const slowly = () => new Promise((resolve) => socket.emit("slowly", 60, DATA, resolve));
  const answers = Array.from({ length: EVENTS }, slowly);
  const all = await within(Promise.race([Promise.all(answers), lost]), "all answers", 30_000);
  assert.deepEqual(new Set(all), new Set([DATA.length]));
  assert.deepEqual(await ask(socket, "ack", "still here"), ["still here"]);
}

// One client for each protocol: others tell a server nothing new.
scenario("a client whose events wait for slow handlers keeps its connection", { from: "4.8" }, holds);
scenario("an old client whose events wait for slow handlers keeps its connection", { from: "2.0", below: "3.0" }, holds);
