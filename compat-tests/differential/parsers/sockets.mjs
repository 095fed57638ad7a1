// The parsers of Socket.IO, the default one and msgpack: what each comparison feeds to both sides, and what the official one says
// to it.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const parsers = {
  sockets: createRequire(require.resolve("socket.io"))("socket.io-parser"),
  msgpack: require("socket.io-msgpack-parser"),
};

/** A value with its bytes as the bridge writes them, and its strings as UTF-8 can hold them. */
function marked(value) {
  if (typeof value === "string") {
    return value.toWellFormed();
  }
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value).toString("base64") };
  }
  if (Array.isArray(value)) {
    // What is not there in an array is null on its way.
    return value.map((element) => marked(element) ?? null);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const entries = Object.entries(value).map(([key, member]) => [key.toWellFormed(), marked(member)]);
  return Object.fromEntries(entries.filter(([, member]) => member !== undefined));
}

/** A decoded packet in the form of the bridge. */
function bridged({ type, nsp, id, data }) {
  const has = data !== undefined;
  return { type, nsp: nsp.toWellFormed(), ...(id !== undefined && { id }), data: has ? marked(data) : null, has };
}

/** A message of the engine in the form of the bridge. */
const toMessage = (encoded) => (typeof encoded === "string" ? { text: encoded } : { binary: Buffer.from(encoded).toString("base64") });

function decode(parser, messages) {
  const decoder = new parser.Decoder();
  const value = [];
  decoder.on("decoded", (packet) => value.push(bridged(packet)));
  try {
    for (const { text, binary } of messages) {
      decoder.add(text ?? Buffer.from(binary, "base64"));
    }
  } catch (error) {
    return { value, error: error.message };
  }
  return { value };
}

const encode = (parser, packet) => new parser.Encoder().encode({ ...packet, options: undefined });

/** Comparisons of what is decoded: the messages of one or two packets, valid and spoiled. */
export function decoding(name, count, generator, random) {
  const parser = parsers[name];
  const inputs = Array.from({ length: count }, () => {
    const messages = Array.from({ length: random.between(1, 2) }, () => encode(parser, generator.packet())).flat().map(toMessage);
    return random.chance(0.4) ? messages : spoil(messages, generator, random);
  });
  return { op: `${name}.decode`, inputs, official: inputs.map((messages) => decode(parser, messages)) };
}

/** Messages of which one has a mistake, is not there, or comes twice. */
function spoil(messages, generator, random) {
  const i = random.between(0, messages.length - 1);
  const spoiled = [...messages];
  if (messages.length > 1 && random.chance(0.2)) {
    spoiled.splice(i, 1, ...(random.chance(0.5) ? [] : [messages[i], messages[i]]));
  } else if (messages[i].text === undefined) {
    spoiled[i] = { binary: generator.spoilBytes(Buffer.from(messages[i].binary, "base64")).toString("base64") };
  } else {
    spoiled[i] = { text: generator.spoil(messages[i].text).toWellFormed() };
  }
  return spoiled;
}

/** Comparisons of what is encoded: the default parser byte by byte, msgpack by what its decoder makes of it. */
export function encoding(name, count, generator) {
  const parser = parsers[name];
  const packets = Array.from({ length: count }, () => generator.packet());
  return {
    op: `${name}.encode`,
    inputs: packets.map(({ type, nsp, id, data }) => ({ type, nsp, id, data: marked(data) })),
    official: packets.map((packet) => ({ value: encode(parser, packet).map(toMessage) })),
    // An empty message has neither text nor bytes in the form of the bridge.
    view: name === "msgpack" ? (value) => decode(parser, value) : (value) => value.map((m) => (m.text === undefined ? { binary: m.binary ?? "" } : m)),
  };
}
