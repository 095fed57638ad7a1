// A node of a cluster with the official adapters, driven by JSON lines on stdin, which it answers on stdout:
//
//   node cluster.mjs -redis 127.0.0.1:6379 -wire pubsub|sharded|streams -key prefix [-sentinel name]
//
// With -sentinel the addresses of -redis are those of the sentinels. bench/cluster describes the commands.

import { createInterface } from "node:readline";
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const option = (name) => process.argv[process.argv.indexOf(`-${name}`) + 1] ?? "";
const addresses = option("redis").split(",").map((a) => ({ host: a.split(":")[0], port: Number(a.split(":")[1]) }));
const key = option("key");
const errors = new Map();
const clients = [];

function connect() {
  const name = process.argv.includes("-sentinel") && option("sentinel");
  const client = new Redis(name ? { sentinels: addresses, name } : addresses[0]);
  return track(client);
}

function track(client) {
  client.on("error", (e) => errors.set(e.message, (errors.get(e.message) ?? 0) + 1));
  clients.push(client);
  return client;
}

const pub = connect();
const adapter = {
  pubsub: () => createAdapter(pub, track(pub.duplicate()), { key }),
  sharded: () => createShardedAdapter(pub, track(pub.duplicate()), { channelPrefix: key }),
  streams: () => createStreamsAdapter(pub, { streamName: key, channelPrefix: key }),
}[option("wire")]();

const http = createServer();
const io = new Server(http, { serveClient: false, adapter });
io.on("connection", (socket) => socket.join("r"));

const answer = (id, v) => process.stdout.write(JSON.stringify({ id, ...v }) + "\n");
let sent = 0;
let longest = 0;
let running; // the emit command under way
let arrived = -1; // of events with a number that is a multiple of c.mark, by credit
let resume; // continues an emit that waits for credit
let queued = 0;
setInterval(() => {
  const n = clients.reduce((n, c) => n + c.commandQueue.length + c.offlineQueue.length, 0);
  queued = Math.max(queued, n);
}, 10);

function emit(c) {
  const pad = "x".repeat(c.size);
  let due = performance.now();
  let left = c.count || Infinity;
  running = c;
  const tick = () => {
    for (; due <= performance.now() && left > 0 && running === c; due += c.everyMs) {
      for (let i = 0; i < c.batch && left > 0; i++, left--) {
        const start = performance.now();
        io.to(c.room).emit("n", sent++, pad);
        longest = Math.max(longest, performance.now() - start);
      }
    }
    if (left > 0 && running === c) setTimeout(tick, Math.max(0, due - performance.now()));
    else if (left === 0) answer(c.id, { sent });
  };
  tick();
}

// As many events on their way as c.window allows.
function emitWithin(c) {
  const pad = "x".repeat(c.size);
  let left = c.count;
  arrived = Math.max(arrived, sent - 1);
  resume = () => {
    for (; left > 0 && sent - arrived < c.window; left--) {
      io.to(sent % c.mark === 0 ? "r" : c.room).emit("n", sent++, pad);
    }
    if (left > 0) return;
    resume = undefined;
    answer(c.id, { sent });
  };
  resume();
}

async function request(c, ask) {
  const start = performance.now();
  let result = 0;
  let error = "";
  try {
    result = (await ask()).length;
  } catch (e) {
    result = e.responses?.length ?? 0;
    error = e.message;
  }
  answer(c.id, { result, error, tookMs: performance.now() - start });
}

const commands = {
  emit: (c) => (c.window ? emitWithin(c) : emit(c)),
  credit: (c) => {
    arrived = Math.max(arrived, c.count);
    resume?.();
  },
  stop: (c) => {
    running = undefined;
    answer(c.id, { sent });
  },
  stats: (c) => answer(c.id, { longestUs: longest * 1000, queued, errors: [...errors.keys()] }),
  fetch: (c) => request(c, () => io.fetchSockets()),
  ask: (c) => request(c, () => new Promise((resolve, reject) => {
    io.timeout(c.timeoutMs).emit("q", (e, answers) => {
      if (e) reject(Object.assign(e, { responses: answers }));
      else resolve(answers);
    });
  })),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const c = JSON.parse(line);
  commands[c.do](c);
}).on("close", () => process.exit(0));
http.listen(0, "127.0.0.1", () => answer(0, { address: `127.0.0.1:${http.address().port}` }));
