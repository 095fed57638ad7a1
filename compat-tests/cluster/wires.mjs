// The three official ways to send messages over Redis.

/**
 * A wire by the scheme and the parameters of its URL. counted is the channel whose subscribers the command counts: those
 * are the servers of a namespace.
 */
function wire(name, scheme, { parameters = () => ({}), flags = [], counted = channel, command = "NUMSUB" }) {
  return {
    name,
    scheme,
    hasEmitter: scheme !== "redis+sharded",
    flags: (address, key) => ["-cluster", `${scheme}://${address}?${new URLSearchParams({ key, ...parameters(key) })}`, ...flags],
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

const ownStream = (key) => ({ stream: key, session: `${key}:` });

export const pubsub = wire("pub/sub", "redis", { counted: (key, nsp) => `${key}-request#${nsp}#` });
export const sharded = wire("sharded", "redis+sharded", { command: "SHARDNUMSUB" });
export const streams = wire("streams", "redis+streams", { parameters: ownStream });
/** Streams, with requests over sharded channels. */
export const shardedStreams = wire("streams and sharded channels", "redis+streams", { parameters: (key) => ({ ...ownStream(key), shardedpubsub: "true" }), command: "SHARDNUMSUB" });

/** Streams, where a client that lost its connection may come back to any server. */
export const recoveringStreams = wire("streams with recovery", "redis+streams", { parameters: ownStream, flags: ["-recovery"] });

/** Where sentinels say which server is the master. */
export const pubsubOfSentinel = wire("pub/sub with sentinels", "redis", { parameters: () => ({ master: "main" }) });
export const streamsOfSentinel = wire("streams with sentinels", "redis+streams", { parameters: (key) => ({ ...ownStream(key), master: "main" }) });

/** Not Redis, but a line a message, between servers that count each other by heartbeats. */
export const bus = { name: "bus", scheme: "bus", hasEmitter: false, flags: (address) => ["-bus", address] };
