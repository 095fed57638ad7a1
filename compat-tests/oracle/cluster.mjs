// The official adapters for Redis and PostgreSQL, from the URL that -cluster takes in ../server:
// redis[+sharded|+streams]://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...][/DATABASE][?PARAMETERS]; the parameters are those of adapter/redis.

import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { StreamsEmitter } from "./streams-emitter.mjs";

function parse(url) {
  const match = /^redis(?:\+(sharded|streams))?:\/\/(?:([^:@]*):([^@]*)@)?([^/?]+)(?:\/(\d+))?(?:\?(.*))?$/.exec(url);
  if (!match) {
    throw new Error(`-cluster: no such URL: ${url}`);
  }
  const [, wire = "pubsub", user, secret, hosts, db = "0", query = ""] = match;
  const [username, password] = [user, secret].map((text) => text && decodeURIComponent(text));
  const nodes = hosts.split(",").map((host) => {
    const [name, port = 6379] = host.split(":");
    return { host: name, port: Number(port) };
  });
  return { wire, username, password, nodes, db: Number(db), options: new URLSearchParams(query) };
}

/** Clients of ioredis for what a URL names. */
function ioredis({ username, password, nodes, db, options }) {
  if (options.has("master")) {
    return () => new Redis({ sentinels: nodes, name: options.get("master"), username, password, db });
  }
  if (nodes.length > 1) {
    return () => new Cluster(nodes, { shardedSubscribers: true, redisOptions: { username, password } });
  }
  return () => new Redis({ ...nodes[0], username, password, db });
}

/** Clients of node-redis for what a URL names. */
function nodeRedis({ username, password, nodes, db }) {
  const url = ({ host, port }) => `redis://${host}:${port}`;
  if (nodes.length > 1) {
    return () => createCluster({ rootNodes: nodes.map((node) => ({ url: url(node) })), defaults: { username, password } });
  }
  return () => createClient({ url: url(nodes[0]), username, password, database: db });
}

/** The official adapter for a PostgreSQL. It ignores the official emitter, whose messages have no namespace. */
async function joinPostgres(url) {
  const { createAdapter } = await import("@socket.io/postgres-adapter");
  const { default: { Pool } } = await import("pg");
  const { searchParams, username, host, pathname } = new URL(url);
  const pool = new Pool({ connectionString: `postgres://${username}@${host}${pathname}`, max: 2 }); // one receives; with several to send, messages overtake each other
  pool.on("error", () => {}); // it connects again by itself
  return { adapter: createAdapter(pool, { channelPrefix: searchParams.get("key") ?? "socket.io" }) };
}

/** The official adapter for a URL, with clients of the package ioredis or redis, and the emitter of a namespace. */
export async function joinCluster(url, client) {
  if (url.startsWith("postgres:")) {
    return joinPostgres(url);
  }
  const parsed = parse(url);
  const make = (client === "redis" ? nodeRedis : ioredis)(parsed);
  const open = async () => {
    const redis = make();
    redis.on("error", () => {}); // both connect again by themselves
    if (client === "redis") {
      await redis.connect();
    }
    return redis;
  };
  const { wire, options } = parsed;
  const key = options.get("key") ?? "socket.io";
  const [publisher, subscriber] = [await open(), await open()];
  switch (wire) {
    case "sharded": {
      const subscriptionMode = options.get("mode") ?? "dynamic";
      return { adapter: createShardedAdapter(publisher, subscriber, { channelPrefix: key, subscriptionMode }) };
    }
    case "streams": {
      const stream = options.get("stream") ?? "socket.io";
      const adapter = createStreamsAdapter(publisher, {
        streamName: stream,
        channelPrefix: key,
        sessionKeyPrefix: options.get("session") ?? "sio:session:",
        streamCount: Number(options.get("streams") ?? 1),
        useShardedPubSub: options.get("shardedpubsub") === "true",
        onlyPlaintext: options.get("plain") === "true",
      });
      return { adapter, emitter: (nsp) => new StreamsEmitter(publisher, stream, nsp) };
    }
    default: {
      const publishOnSpecificResponseChannel = options.get("private") === "true";
      const adapter = createAdapter(publisher, subscriber, { key, publishOnSpecificResponseChannel });
      return { adapter, emitter: (nsp) => new Emitter(publisher, { key }, nsp) };
    }
  }
}
