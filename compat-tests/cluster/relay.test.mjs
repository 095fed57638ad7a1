// Three Go servers behind nginx, which sends each request to the next of them: no sticky sessions.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { io } from "socket.io-client";
import io2 from "socket.io-client-v2";
import { within } from "../lib/deadline.mjs";
import { startPostgres } from "../lib/postgres.mjs";
import { freePorts } from "../lib/ports.mjs";
import { startRedis, until } from "../lib/redis.mjs";
import { test } from "../lib/results.mjs";
import { startServer, target } from "../lib/server.mjs";
import { startNginx } from "../proxies/proxy.mjs";

const secret = "0123456789abcdef";
const settings = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffering off; proxy_read_timeout 60s;";
const transports = {
  polling: { transports: ["polling"], upgrade: false },
  upgrade: { transports: ["polling", "websocket"] },
  websocket: { transports: ["websocket"] },
};

/** The servers of a cluster and the balancer in front of them. */
class Cluster {
  async start(flags) {
    const [balancer, ...ports] = await freePorts(4);
    this.servers = await Promise.all(ports.map((port, i) => startServer([...flags(i), "-eio3", "-relay-secret", secret], { port })));
    this.stopBalancer = await startNginx([{ port: balancer, to: ports, settings }]);
    this.url = `http://127.0.0.1:${balancer}`;
    for (const server of this.servers) {
      server.sid = await handshake(server);
      server.tag = server.sid.slice(0, 6);
    }
    // Each takes a request for a session of each other one.
    for (const server of this.servers) {
      for (const { sid } of this.servers) {
        await until(async () => (await post(server, sid, "40")).status === 200, "servers that know each other", 20_000);
      }
    }
  }

  async kill() {
    await this.stopBalancer?.();
    await Promise.all(this.servers?.map((server) => server.kill()) ?? []);
  }

  /** What the servers complain of in their logs, as far as it is about clients. */
  get complaints() {
    return this.servers.flatMap((server) => server.log().split("\n")).filter((line) => /(WARN|ERROR) (engineio|socketio: broker)/.test(line));
  }
}

const query = "/socket.io/?EIO=4&transport=polling";

async function handshake({ url }) {
  const body = await (await fetch(url + query)).text();
  return JSON.parse(body.slice(1)).sid;
}

async function post({ url }, sid, body) {
  const response = await fetch(`${url}${query}&sid=${sid}`, { method: "POST", body });
  return { status: response.status, body: await response.text() };
}

/** A client, and what went wrong with it. */
function open(t, connect, url, options) {
  const socket = connect(url, { forceNew: true, reconnectionDelay: 50, ...options });
  t.after(() => socket.close());
  const troubles = [];
  for (const event of ["disconnect", "connect_error", "connect_timeout", "error"]) {
    socket.on(event, (why) => troubles.push(`${event}: ${why?.message ?? why}`));
  }
  (socket.io.on ? socket.io : socket).on("reconnect_attempt", () => troubles.push("reconnect_attempt"));
  return { socket, troubles };
}

/** Sends messages, up to 20 of them on their way, and resolves when all have come back in order. */
function echo(socket, count) {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let received = 0;
    const send = () => {
      while (sent < count && sent - received < 20) {
        socket.emit("echo", sent++);
      }
    };
    socket.on("echo", (n) => {
      if (n !== received++) {
        reject(new Error(`message ${n} came as number ${received - 1}`));
      }
      send();
      if (received === count) {
        resolve();
      }
    });
    send();
  });
}

/** Clients over each transport send messages; nothing goes wrong. */
async function play(t, cluster, { clients, messages, connect = io, name }) {
  const all = Object.entries(transports).flatMap(([transport, options]) =>
    Array.from({ length: clients }, () => ({ transport, ...open(t, connect, cluster.url, options) })));
  await Promise.all(all.map(({ socket }) => within(new Promise((resolve) => socket.once("connect", resolve)), "a connection", 20_000)));
  const tags = new Set(all.map(({ socket }) => socket.io.engine.id.slice(0, 6)));
  await Promise.all(all.map(({ socket, transport }, i) => within(echo(socket, messages), `${name}, client ${i} over ${transport}`, 50_000)));
  for (const { socket, transport } of all) {
    assert.equal(socket.io.engine.transport.name, transport === "polling" ? "polling" : "websocket");
  }
  assert.deepEqual(all.flatMap(({ troubles }) => troubles), []);
  assert.equal(tags.size, 3, "sessions are on all servers");
  assert.deepEqual(cluster.complaints, []);
}

const brokers = {
  "Redis streams": { start: startRedis, flags: ({ address }) => () => ["-cluster", `redis+streams://${address}`] },
  PostgreSQL: { start: startPostgres, flags: ({ address }) => () => ["-cluster", `postgres://${address}`] },
  "embedded NATS": {
    start: async () => ({ ports: await freePorts(3), kill() {} }),
    flags: ({ ports }) => (i) => ["-cluster", `nats+embedded://127.0.0.1:${ports[i]}?routes=${ports.filter((_, j) => j !== i).map((port) => `127.0.0.1:${port}`)}`],
  },
};

// Official servers do not relay.
for (const [name, { start, flags }] of target === "node" ? [] : Object.entries(brokers)) {
  describe(`no sticky sessions: ${name}`, () => {
    let broker;
    const cluster = new Cluster();
    before(async () => {
      broker = await start();
      await cluster.start(flags(broker));
    });
    after(async () => {
      await cluster.kill();
      await broker?.kill();
    });

    const many = name === "Redis streams";
    test(`${name}: clients over all transports miss nothing behind a round-robin balancer`, (t) =>
      play(t, cluster, { name, clients: many ? 8 : 2, messages: many ? 1000 : 200 }));

    if (!many) {
      return;
    }

    test(`${name}: clients of Engine.IO 3 too`, (t) => play(t, cluster, { name, clients: 2, messages: 200, connect: io2 }));

    test(`${name}: a large message, up and down`, async (t) => {
      const { socket, troubles } = open(t, io, cluster.url, transports.polling);
      const text = "x".repeat(900_000);
      for (let i = 0; i < 4; i++) {
        socket.emit("echo", text);
        assert.equal(await within(new Promise((resolve) => socket.once("echo", resolve)), "the message"), text);
      }
      assert.deepEqual(troubles, []);
    });

    test(`${name}: sessions of a server that is killed are unknown at once, and its clients come back elsewhere`, async (t) => {
      const [killed, ...others] = cluster.servers;
      const all = Array.from({ length: 9 }, () => open(t, io, cluster.url, transports.polling));
      await Promise.all(all.map(({ socket }) => within(new Promise((resolve) => socket.once("connect", resolve)), "a connection")));
      const its = all.filter(({ socket }) => socket.io.engine.id.startsWith(killed.tag));
      assert.ok(its.length > 0);
      const sid = await handshake(killed);
      assert.equal((await post(others[0], sid, "40")).status, 200);
      const back = its.map(({ socket }) => new Promise((resolve) => socket.once("disconnect", () => socket.once("connect", resolve))));
      await killed.kill();
      const began = performance.now();
      for (const other of others) {
        assert.deepEqual(await post(other, sid, "42[\"echo\",1]"), { status: 400, body: '{"code":1,"message":"Session ID unknown"}' });
      }
      assert.ok(performance.now() - began < 1_000);
      await within(Promise.all(back), "the clients", 5_000);
      for (const { socket } of its) {
        assert.ok(others.some(({ tag }) => socket.io.engine.id.startsWith(tag)));
        await within(echo(socket, 20), "messages after that");
      }
    });
  });
}
