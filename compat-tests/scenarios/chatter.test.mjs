// A crowd that talks for a while, with every message accounted for.

import assert from "node:assert/strict";
import { ask, connected, open, scenario, useServer } from "../lib/suite.mjs";
import { within } from "../lib/deadline.mjs";

const server = useServer();

const CLIENTS = 1_000;
const ROOMS = 50;
const SECONDS = 20;
/** How often each client says something, in milliseconds. */
const EVERY = 4_000;

scenario(`${CLIENTS} clients talk in ${ROOMS} rooms for ${SECONDS} seconds`, { newest: true, usual: true, transports: ["websocket"], timeout: 150_000 }, async (t, way) => {
  const sockets = [];
  while (sockets.length < CLIENTS) {
    // A hundred at a time, as they might come.
    const next = Array.from({ length: 100 }, () => open(t, server.url, way));
    await Promise.all(next.map(connected));
    sockets.push(...next);
  }
  await Promise.all(sockets.map((socket, i) => ask(socket, "join", `room ${i % ROOMS}`)));

  const sent = sockets.map(() => 0);
  // For each client, the number that it expects next of each other one in its room.
  const expected = sockets.map(() => new Map());
  let delivered = 0;
  let wrong;
  for (const [i, socket] of sockets.entries()) {
    socket.on("room", (from, n) => {
      delivered++;
      const due = expected[i].get(from) ?? 0;
      if (n !== due || from % ROOMS !== i % ROOMS) {
        wrong ??= `client ${i} got message ${n} of ${from} where ${due} was due`;
      }
      expected[i].set(from, n + 1);
    });
  }

  // Each client in its turn, evenly spread over the time.
  const turns = (CLIENTS * SECONDS * 1_000) / EVERY;
  let turn = 0;
  await within(
    new Promise((done) => {
      const start = performance.now();
      const timer = setInterval(() => {
        const due = Math.min(turns, ((performance.now() - start) * CLIENTS) / EVERY);
        for (; turn < due; turn++) {
          const i = turn % CLIENTS;
          sockets[i].emit("room", `room ${i % ROOMS}`, i, sent[i]++, "some words");
        }
        if (turn === turns) {
          clearInterval(timer);
          done();
        }
      }, 10);
      t.after(() => clearInterval(timer));
    }),
    "the end of the talk",
    SECONDS * 3_000,
  );

  const all = (turns * CLIENTS) / ROOMS;
  // Each has been answered after all of its messages were taken; until then they reach everybody.
  const everybody = () => Promise.all(sockets.map((socket) => new Promise((answered) => socket.emit("ack", answered))));
  await within(everybody().then(everybody), "the end of what was said", SECONDS * 2_000);
  assert.equal(wrong, undefined);
  assert.equal(delivered, all);
  for (const [i, counts] of expected.entries()) {
    for (let from = i % ROOMS; from < CLIENTS; from += ROOMS) {
      assert.equal(counts.get(from), sent[from]);
    }
  }
});
