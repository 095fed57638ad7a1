// What happened in a script, as lines of text that are the same for two servers that behave the same: ids have numbers,
// times are bands, headers are sorted, and those that say nothing are left out.

import { createHash } from "node:crypto";
import { decode } from "notepack.io";
import { gunzipSync, inflateSync } from "node:zlib";

/** Ends of the bands of time, in milliseconds after the step that something belongs to. */
const bands = [1_000, 4_000, 10_000];

/** How many characters of a body or frame are shown. */
const SHOWN = 400;

// In JSON, in JSON within a string (JSONP), and in MessagePack.
const ids = /(sid|pid)(?:\\*":\\*"|\xb4)([\w-]{20})/g;

// Of a question that the interop server asks: the ids count for all clients of a namespace.
const questions = /2(?:\/[^,]*,)?(\d+)\["question"/g;

// The last argument of an event, where connections are recovered.
const offsets = /^4[25].*,"([^"]+)"\]$/s;

// Of the HTTP servers below, not of what they serve.
const silentHeaders = new Set(["date", "keep-alive", "transfer-encoding"]);

// Headers whose values have no order, and what separates them.
const unordered = { vary: ",", "sec-websocket-extensions": ";" };

/** Headers with the values of one name in one, as a list may be written in both ways. */
function together(headers) {
  const lists = new Map();
  for (const [name, value] of headers) {
    const values = unordered[name] ? value.split(unordered[name]).map((part) => part.trim()) : [value];
    lists.set(name, [...(lists.get(name) ?? []), ...values]);
  }
  return [...lists].map(([name, values]) => [name, (unordered[name] ? values.toSorted() : values).join(`${unordered[name] ?? ","} `)]);
}

/** A value with the members of its maps in the order of their names. */
function sorted(value) {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (value === null || typeof value !== "object" || Buffer.isBuffer(value)) {
    return value;
  }
  return Object.fromEntries(Object.keys(value).toSorted().map((key) => [key, sorted(value[key])]));
}

function band(ms) {
  const i = bands.findIndex((end) => ms < end);
  if (i === 0) {
    return "";
  }
  return i < 0 ? ` (after ${bands.at(-1) / 1000} s)` : ` (after ${bands[i - 1] / 1000} to ${bands[i] / 1000} s)`;
}

function shown(bytes) {
  const text = bytes.toString();
  const isText = Buffer.from(text).equals(bytes);
  const whole = isText ? JSON.stringify(text) : `<${bytes.toString("hex")}>`;
  if (whole.length <= SHOWN) {
    return whole;
  }
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return `${whole.slice(0, SHOWN / 4)}... (${bytes.length} bytes, ${hash})`;
}

/** Collects what happens and gives it back as {step, lines} for each step of the script. */
export class Transcript {
  #ids = new Map();
  #questions = [];
  #steps = [];
  #changed = performance.now();
  #msgpack;
  #recovery;

  constructor({ msgpack = false, recovery = false } = {}) {
    this.#msgpack = msgpack;
    this.#recovery = recovery;
  }

  /** What happens from now on belongs to this step. */
  begin(step) {
    this.#steps.push({ step, at: performance.now(), channels: new Map() });
    this.#changed = performance.now();
  }

  /** How many steps have begun. */
  get length() {
    return this.#steps.length;
  }

  /** Milliseconds since something happened, or a step began. */
  get quietFor() {
    return performance.now() - this.#changed;
  }

  /** A text with "<question 1>" replaced by the id of the first question, and the names of other ids by them. */
  answering(text) {
    if (typeof text !== "string") {
      return text;
    }
    let answer = text.replace(/<question (\d+)>/g, (_, n) => this.#questions[n - 1] ?? 0);
    for (const [id, name] of this.#ids) {
      answer = answer.replaceAll(name, id);
    }
    return answer;
  }

  add(channel, event) {
    this.#changed = performance.now();
    const { at, channels } = this.#steps.at(-1);
    if (!channels.has(channel)) {
      channels.set(channel, []);
    }
    channels.get(channel).push(`${channel}: ${this.#line(event)}${band(this.#changed - at)}`);
  }

  /** The steps with their lines, those of one channel in the order of time and together. */
  get steps() {
    return this.#steps.map(({ step, channels }) => ({
      step,
      lines: [...channels.keys()].toSorted().flatMap((channel) => channels.get(channel)),
    }));
  }

  #line(event) {
    switch (event.kind) {
      case "response":
        return this.#response(event);
      case "frame":
        return event.name === "close" ? this.#close(event.payload) : `${event.name} ${this.#message(event)}`;
      case "packet":
        return this.#packet(event.packet);
      default:
        return event.kind;
    }
  }

  #packet(packet) {
    const isMap = this.#msgpack && packet[0] === "b";
    return isMap ? `b${this.#message({ name: "binary", payload: Buffer.from(packet.slice(1), "base64") })}` : shown(this.#named(Buffer.from(packet)));
  }

  #message({ name, payload }) {
    const named = this.#named(payload);
    // The order of the members of a map is nobody's business.
    return this.#msgpack && name === "binary" ? JSON.stringify(sorted(decode(payload)), this.#nameOf) : shown(named);
  }

  #nameOf = (_, value) => this.#ids.get(value) ?? value;

  #close(payload) {
    return payload.length < 2 ? "close" : `close ${payload.readUInt16BE(0)} ${shown(payload.subarray(2))}`;
  }

  #response({ status, headers, body }) {
    const encoding = headers.find(([name]) => name === "content-encoding")?.[1];
    const plain = encoding === "gzip" ? gunzipSync(body) : encoding === "deflate" ? inflateSync(body) : body;
    const named = this.#named(plain);
    const told = together(headers)
      .filter(([name, value]) => !silentHeaders.has(name) && !(name === "connection" && value === "keep-alive"))
      // Says how well the body was compressed, or what ids it has; the body is compared itself.
      .filter(([name, value]) => name !== "content-length" || Number(value) !== body.length)
      .map(([name, value]) => `[${name}: ${this.#named(Buffer.from(value))}]`)
      .toSorted();
    return [status, ...told, shown(named)].join(" ");
  }

  #name(key, id) {
    if (!this.#ids.has(id)) {
      this.#ids.set(id, `<${key} ${this.#ids.size + 1}>`);
    }
  }

  /** Gives the ids in bytes their numbers, in the order of their first appearance. */
  #named(bytes) {
    const text = bytes.toString("latin1");
    for (const [, key, id] of text.matchAll(ids)) {
      this.#name(key, id);
    }
    const [, offset] = (this.#recovery && offsets.exec(text)) || [];
    if (offset) {
      this.#name("offset", offset);
    }
    let named = text.replace(questions, (all, id) => {
      if (!this.#questions.includes(id)) {
        this.#questions.push(id);
      }
      return all.replace(`${id}[`, `<question ${this.#questions.indexOf(id) + 1}>[`);
    });
    // The longest first: one may begin as another does.
    for (const [id, name] of [...this.#ids].toSorted(([a], [b]) => b.length - a.length)) {
      named = named.replaceAll(id, name);
    }
    return Buffer.from(named, "latin1");
  }
}
