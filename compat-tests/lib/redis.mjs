// Real brokers for the tests: each in a folder and on ports of its own, ended with the tests.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { Process } from "./process.mjs";
import { within } from "./deadline.mjs";
import { freePorts } from "./ports.mjs";

/** A redis-server, or redis-sentinel. */
class Instance {
  #launch;

  constructor(launch, port, password) {
    this.#launch = launch;
    this.process = launch();
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.redis = new Redis(port, "127.0.0.1", { password });
    this.redis.on("error", () => {}); // it is ended by tests
  }

  /** Kills it, and starts it again with nothing. */
  async restart() {
    await this.process.kill();
    this.process = this.#launch();
    await this.process.line;
  }

  async kill() {
    this.redis.disconnect();
    await this.process.kill();
  }
}

/** Starts a redis-server that keeps nothing, with further arguments. */
export async function startRedis(args = [], { port, password } = {}) {
  port ??= (await freePorts(1))[0];
  const dir = mkdtempSync(join(tmpdir(), "redis-"));
  const secret = password ? ["--requirepass", password] : [];
  const all = ["--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", ...secret, ...args];
  const instance = new Instance(() => new Process("redis-server", all, { pattern: /Ready to accept connections/ }), port, password);
  await instance.process.line;
  return instance;
}

/** Waits until check, called again and again, resolves with something true. */
export async function until(check, what, ms) {
  let over = false;
  const loop = async () => {
    while (!over) {
      if (await check()) {
        return;
      }
      await setTimeout(5); // others want the processor too
    }
  };
  await within(loop(), what, ms).finally(() => (over = true));
}

/** Starts a Redis Cluster of three nodes. */
export async function startRedisCluster() {
  const ports = await freePorts(6);
  const nodes = await Promise.all([0, 1, 2].map((i) => startRedis(["--cluster-enabled", "yes", "--cluster-port", ports[3 + i], "--cluster-node-timeout", "2000"], { port: ports[i] })));
  const limits = [0, 5461, 10923, 16384];
  await Promise.all(nodes.map(({ redis }, i) => redis.call("CLUSTER", "ADDSLOTSRANGE", limits[i], limits[i + 1] - 1)));
  await Promise.all(nodes.slice(1).map(({ redis }, i) => redis.call("CLUSTER", "MEET", "127.0.0.1", ports[0], ports[3])));
  for (const { redis } of nodes) {
    await until(async () => /cluster_state:ok[^]*cluster_known_nodes:3/.test(await redis.call("CLUSTER", "INFO")), "the cluster", 20_000);
  }
  return {
    nodes,
    address: nodes.map(({ address }) => address).join(),
    kill: () => Promise.all(nodes.map((node) => node.kill())),
  };
}

/** Starts a server, a replica of it, and a sentinel that watches both under the name "main". */
export async function startSentinel() {
  const main = await startRedis();
  const replica = await startRedis(["--replicaof", `127.0.0.1 ${main.port}`]);
  await until(async () => /state=online/.test(await main.redis.info("replication")), "the replica", 20_000);
  const [port] = await freePorts(1);
  const dir = mkdtempSync(join(tmpdir(), "sentinel-"));
  const config = join(dir, "sentinel.conf");
  writeFileSync(config, [`port ${port}`, "bind 127.0.0.1", `dir ${dir}`, `sentinel monitor main 127.0.0.1 ${main.port} 1`, "sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 5000"].join("\n"));
  const sentinel = new Instance(() => new Process("redis-sentinel", [config], { pattern: /\+monitor master main/ }), port);
  await sentinel.process.line;
  await until(async () => /slaves=1/.test(await sentinel.redis.info("sentinel")), "the sentinel", 20_000);
  return {
    main,
    replica,
    sentinel,
    address: sentinel.address,
    kill: () => Promise.all([main, replica, sentinel].map((instance) => instance.kill())),
  };
}
