// The parsers of Engine.IO: what each comparison feeds to both sides, and what the official one says to it.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const v4 = createRequire(require.resolve("engine.io"))("engine.io-parser");
// Not among what the package exports.
const v3 = require(join(dirname(require.resolve("engine.io")), "parser-v3", "index.js"));

const types = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

/** A packet in the form of the bridge. */
function bridged({ type, data }) {
  const bytes = data === undefined || data === null ? Buffer.alloc(0) : Buffer.from(data);
  return { type: types.indexOf(type), binary: Buffer.isBuffer(data), data: bytes.toString("base64") };
}

/** What an official decoder called back with: the packets before the first error, and whether there was one. */
function outcome(packets) {
  const i = packets.findIndex(({ type }) => type === "error" || type === undefined);
  return i < 0 ? { value: packets.map(bridged) } : { value: packets.slice(0, i).map(bridged), error: true };
}

function decode3(data) {
  const packets = [];
  v3.decodePayload(data, "nodebuffer", (packet) => {
    packets.push(packet);
  });
  return packets;
}

const decoders = {
  packet4: (data) => [v4.decodePacket(data.toString(), "nodebuffer")],
  payload4: (data) => v4.decodePayload(data.toString(), "nodebuffer"),
  packet3: (data) => [v3.decodePacket(data.toString(), "nodebuffer", false)],
  packet3binary: (data) => [v3.decodePacket(data, "nodebuffer")],
  payload3: (data) => decode3(data.toString()),
  payload3binary: (data) => decode3(data),
};

const encoders = {
  packet4: (packets) => new Promise((resolve) => v4.encodePacket(packets[0], false, resolve)),
  payload4: (packets) => new Promise((resolve) => v4.encodePayload(packets, resolve)),
  packet3: (packets) => new Promise((resolve) => v3.encodePacket(packets[0], false, false, resolve)),
  packet3binary: (packets) => new Promise((resolve) => v3.encodePacket({ type: "message", data: Buffer.from(packets[0].data ?? "") }, true, false, resolve)),
  payload3: (packets) => new Promise((resolve) => v3.encodePayload(packets, false, resolve)),
  payload3binary: (packets) => new Promise((resolve) => v3.encodePayloadAsBinary(packets, resolve)),
};

export const forms = Object.keys(decoders);

/** A packet of the engine: bytes only in messages. */
function packet(generator, random) {
  const { chance, pick } = random;
  if (chance(0.3)) {
    return { type: "message", data: generator.bytes() };
  }
  const text = generator.text().replaceAll("\x1e", "");
  return { type: chance(0.7) ? "message" : pick(types), ...(text && { data: text }) };
}

/** Comparisons of what is decoded: valid and spoiled, as many as `count`. */
export async function decoding(form, count, generator, random) {
  const inputs = [];
  for (let i = 0; i < count; i++) {
    const encoded = Buffer.from(await encoders[form](Array.from({ length: random.between(1, 4) }, () => packet(generator, random))));
    const isBinary = form.endsWith("binary");
    const data = random.chance(0.4) ? encoded : isBinary ? generator.spoilBytes(encoded) : Buffer.from(generator.spoil(encoded.toString()));
    inputs.push({ form, data: data.toString("base64") });
  }
  return { op: "engine.decode", inputs, official: inputs.map(({ data }) => outcome(decoders[form](Buffer.from(data, "base64")))) };
}

/** Comparisons of what is encoded. */
export async function encoding(form, count, generator, random) {
  const inputs = [];
  const official = [];
  for (let i = 0; i < count; i++) {
    const packets = Array.from({ length: random.between(1, 4) }, () => packet(generator, random));
    inputs.push({ form, packets: packets.map(bridged) });
    official.push({ value: Buffer.from(await encoders[form](packets)).toString("base64") });
  }
  return { op: "engine.encode", inputs, official };
}
