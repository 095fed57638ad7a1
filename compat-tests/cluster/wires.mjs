// The three official ways to send messages over Redis, and others.

import { decode } from "@msgpack/msgpack";

/**
 * A wire by the scheme and the parameters of its URL. counted is the channel whose subscribers the command counts: those
 * are the servers of a namespace.
 */
function wire(name, scheme, { parameters = () => ({}), login = "", database = "", flags = [], counted = channel, command = "NUMSUB" }) {
  return {
    name,
    scheme,
    /** Whether there is an official emitter. Ours is for every wire of Redis. */
    hasEmitter: scheme !== "redis+sharded",
    isRedis: true,
    flags: (address, key) => ["-cluster", `${scheme}://${login}${address}${database}?${new URLSearchParams({ key, ...parameters(key) })}`, ...flags],
    /** The stored session of a client, if there is one. */
    async session({ redis }, key, pid) {
      const session = await redis.get(`${key}:${pid}`);
      return session ? decode(Buffer.from(session, "base64")) : undefined;
    },
    /** How many servers a broker, or the nodes of one, counts in a namespace. */
    async count(redis, key, nsp) {
      const counts = await Promise.all([redis].flat().map((node) => node.call("PUBSUB", command, counted(key, nsp))));
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    },
  };
}

function channel(key, nsp) {
  return `${key}#${nsp}#`;
}

function pubsubChannel(key, nsp) {
  return `${key}-request#${nsp}#`;
}

const ownStream = (key) => ({ stream: key, session: `${key}:` });

export const pubsub = wire("pub/sub", "redis", { counted: pubsubChannel });
export const sharded = wire("sharded", "redis+sharded", { command: "SHARDNUMSUB" });
export const streams = wire("streams", "redis+streams", { parameters: ownStream });
/** Streams, with requests over sharded channels. */
export const shardedStreams = wire("streams and sharded channels", "redis+streams", { parameters: (key) => ({ ...ownStream(key), shardedpubsub: "true" }), command: "SHARDNUMSUB" });

/** Streams, where a client that lost its connection may come back to any server. session is what they store of one. */
export const recoveringStreams = {
  ...wire("streams with recovery", "redis+streams", { parameters: ownStream, flags: ["-recovery"] }),
  async session(broker, key, pid) {
    const session = await broker.redis.get(`${key}:${pid}`);
    return session ? decode(Buffer.from(session, "base64")) : {};
  },
};

/** What can be set, on servers of both kinds. Only ours has a mode for pub/sub. */
export const variants = [
  wire("pub/sub, static, answers to the one who asks", "redis", { parameters: () => ({ private: "true", mode: "static" }), counted: pubsubChannel }),
  wire("sharded, static", "redis+sharded", { parameters: () => ({ mode: "static" }), command: "SHARDNUMSUB" }),
  wire("sharded, dynamic-private", "redis+sharded", { parameters: () => ({ mode: "dynamic-private" }), command: "SHARDNUMSUB" }),
  {
    ...wire("three streams", "redis+streams", { parameters: (key) => ({ ...ownStream(key), streams: "3" }) }),
    // What is for some namespaces goes into a stream that no official server reads, and its emitter knows one stream only.
    lacks: (scenario) => /namespaces|no server/.test(scenario),
  },
];

/** A server that wants a password, and one of its databases. */
export const password = "p@ss/word:";
const account = { login: `default:${encodeURIComponent(password)}@`, database: "/3" };
export const withPassword = [
  wire("pub/sub with a password", "redis", { ...account, counted: pubsubChannel }),
  wire("streams with a password", "redis+streams", { ...account, parameters: ownStream }),
];

/** Where sentinels say which server is the master. */
export const pubsubOfSentinel = wire("pub/sub with sentinels", "redis", { parameters: () => ({ master: "main" }) });
export const streamsOfSentinel = wire("streams with sentinels", "redis+streams", { parameters: (key) => ({ ...ownStream(key), master: "main" }) });

/** Not Redis, but a line a message, between servers that count each other by heartbeats. */
export const bus = { name: "bus", scheme: "bus", hasEmitter: false, flags: (address) => ["-bus", address] };

/** PostgreSQL, where a message that is a row is overtaken by others on its way from and to an official server. */
export const postgres = {
  name: "postgres",
  scheme: "postgres",
  hasEmitter: false,
  unordered: true,
  flags: (address, key) => ["-cluster", `postgres://${address}?key=${key}`],
};

/** PostgreSQL with our log. Official servers have none. */
export const recoveringPostgres = {
  ...postgres,
  name: "postgres with recovery",
  flags: (address, key) => ["-cluster", `postgres://${address}?key=${key}&create=true&recovery=true`, "-recovery"],
  async session({ pool }, key, pid) {
    const { rows } = await pool.query("SELECT data FROM socket_io_log_sessions WHERE prefix = $1 AND pid = $2", [key, pid]);
    return rows.length > 0 ? JSON.parse(rows[0].data) : undefined;
  },
};

/** NATS, which official servers cannot join. */
function natsWire(name, scheme, flags = []) {
  return { name, scheme, hasEmitter: false, flags: (address, key) => ["-cluster", `${scheme}://${address}?prefix=${key}`, ...flags] };
}

export const nats = natsWire("nats", "nats");
export const jetStream = natsWire("JetStream", "nats+jetstream");
export const recoveringJetStream = {
  ...natsWire("JetStream with recovery", "nats+jetstream", ["-recovery"]),
  async session(broker, key, pid) {
    const [, json = "{}"] = (await broker.value(`${key}-sessions`, pid)).split("\n"); // behind how long it is kept
    return JSON.parse(json);
  },
};

/** NATS in the servers themselves. */
function embedded(name, parameters, flags = []) {
  return { name, scheme: "nats+embedded", hasEmitter: false, flags: (address, key) => ["-cluster", address.next(key, parameters), ...flags] };
}

export const embeddedNats = embedded("embedded nats", {});
export const recoveringEmbedded = embedded("embedded JetStream with recovery", { jetstream: "true" }, ["-recovery"]);
