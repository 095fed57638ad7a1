// Scripts from a grammar of what clients do, with mistakes in it. Script n is always the same.

import { ENGINE, SOCKETS } from "./scripts/table.mjs";
import { Random } from "./random.mjs";

/** How many scripts there are; COMPAT_FUZZ sets another number. */
const COUNT = Number(process.env.COMPAT_FUZZ ?? 500);

const SEPARATOR = "\x1e";

// What texts are mutated with: characters that mean something to somebody, and some that do not.
const spice = [..."0123456789b[]{}\",:/-.eE \\ \x1e\0\n", "é", "€", "🔑", "\u2028", "[]", "{}", "null", '"x"', "\\u0000", "-1", "1.5", "/chat,"];

const room = "room of the fuzzer";

const events = [
  () => ["echo", 1],
  () => ["echo", "é🔑", null, true, [1, [2]], { a: { b: "c" } }],
  () => ["echo"],
  () => ["ack", "x"],
  () => ["nobody", 1],
  () => ["message", "hello"],
  () => ["message-with-ack", 1, "2"],
  () => ["join", room],
  () => ["leave", room],
];

const reserved = ["connect", "disconnect", "disconnecting", "newListener", "removeListener", "connect_error"];

const namespaces = ["", "", "", "/chat,", "/custom,", "/none,", "/refused,"];

/** Makes one script of one stream of random numbers. */
class Author {
  #random;
  #isWebSocket = false;

  constructor(random) {
    this.#random = random;
  }

  write(n) {
    const isSockets = this.#random.chance(0.6);
    const isOld = this.#random.chance(0.2);
    this.query = isOld ? { EIO: "3" } : undefined;
    const words = isSockets ? () => this.#packet() : () => this.#message();
    const steps = [...this.#begin(), ...(isSockets && !isOld && this.#random.chance(0.9) ? this.#say(["40"]) : [])];
    for (let i = this.#random.between(2, 7); i > 0; i--) {
      steps.push(...this.#act(words, isSockets));
    }
    const recovery = isSockets && !isOld && this.#random.chance(0.15);
    return {
      name: `fuzz ${n}`,
      at: isSockets ? SOCKETS : ENGINE,
      server: isOld ? ["-eio3"] : recovery ? ["-recovery"] : undefined,
      recovery,
      steps: steps.map((step) => this.#asked(step)),
    };
  }

  /** A step with the query of the protocol that is spoken. */
  #asked(step) {
    const place = { open: 1, poll: 1, get: 1, ws: 1, post: 2 }[step[0]];
    if (!place || !this.query || step[place] !== undefined) {
      return step;
    }
    const asked = [...step];
    asked[place] = this.query;
    return asked;
  }

  #begin() {
    this.#isWebSocket = this.#random.chance(0.5);
    return this.#isWebSocket ? [["ws"]] : [["open"], ["poll"]];
  }

  /** What brings these messages to the server. */
  #say(messages) {
    if (this.#isWebSocket) {
      return messages.map((message) => (message.hex === undefined ? ["send", message] : ["bytes", `${this.query ? "04" : ""}${message.hex}`]));
    }
    const packets = messages.map((message) => (message.hex === undefined ? message : this.#base64(message.hex)));
    return [["post", this.query ? packets.map((packet) => `${packet.length}:${packet}`).join("") : packets.join(SEPARATOR)]];
  }

  #base64(hex) {
    return `b${this.query ? "4" : ""}${Buffer.from(hex, "hex").toString("base64")}`;
  }

  /** A message to the bare engine. */
  #message() {
    const { pick } = this.#random;
    return pick([["4hello"], ["4"], ["4é🔑"], ["4one", "4two"], [{ hex: "0102" }], [{ hex: "" }], ["4x", { hex: "ff" }, "4y"], ["6"], ["3"]]);
  }

  /** A Socket.IO packet with what belongs to it. */
  #packet() {
    const { pick, chance, between } = this.#random;
    const namespace = pick(namespaces);
    const id = chance(0.3) ? String(between(0, 40)) : "";
    return pick([
      () => [`42${namespace}${id}${JSON.stringify(pick(events)())}`],
      () => [`42${namespace}${id}${JSON.stringify(pick(events)())}`],
      () => [`451-${namespace}${id}["bin",{"_placeholder":true,"num":0}]`, { hex: pick(["", "00", "ff0102"]) }],
      () => [`452-${namespace}${id}["ack",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]`, { hex: "01" }, { hex: "02" }],
      () => [`40${namespace}${chance(0.3) ? '{"word":"please"}' : ""}`],
      () => [`41${namespace}`],
      () => [`43${namespace}${id}["x"]`],
      () => [`42${namespace}${JSON.stringify([pick(reserved), 1])}`],
      () => ['42["ask"]'],
      () => ["43<question 1>[1]"],
    ])();
  }

  #act(words, isSockets) {
    const { chance, pick } = this.#random;
    if (chance(0.65)) {
      return this.#say(words());
    }
    if (chance(0.7)) {
      return this.#say(this.#spoil(words()));
    }
    if (this.#isWebSocket) {
      return pick([
        () => [["frame", 9, "ping"]],
        () => [["frame", 10, "pong"]],
        () => [["frame", 1, this.#spoilText("4hello"), { fin: false }], ["frame", 0, "rest"]],
        () => [["frame", pick([0, 3, 11, 15]), "x"]],
        () => [["frame", 1, "4x", { masked: false }]],
        () => [["frame", 8, { hex: pick(["", "03e8", "0bb8", "03ed", "03"]) }]],
        () => [["send", pick(["2", "2probe", "3", "3x", "5", "6", "0", ""])]],
        () => [["get"]],
        () => [["ws"]],
        () => [["cut", "ws"]],
      ])();
    }
    return pick([
      () => this.#upgrade(),
      () => this.#upgrade(),
      () => [["post", pick(["1", "2", "2probe", "3", "5", "6", "0", ""])]],
      () => [["get"]],
      () => [["post", "4x", undefined, { "Content-Type": "application/octet-stream" }]],
      () => [["upload", 10, "4x"], ["cut", "post"]],
      () => [["upload", 4, "4x"], ["more", "yz", "post"]],
      () => [["method", pick(["PUT", "DELETE", "OPTIONS", "PATCH"])]],
      () => [["ws"], ["send", pick(["2", "4x", "1", "", "x"])]],
      () => [["ws"], ["cut", "ws"]],
      () => [["post", isSockets ? '42["echo",1]' : "4x", { transport: pick(["websocket", "x"]) }]],
    ])();
  }

  #upgrade() {
    this.#isWebSocket = true;
    return [["ws"], ["pause"], ["send", "2probe"], ["send", "5"]];
  }

  /** Messages with a mistake. */
  #spoil(messages) {
    const { chance, between } = this.#random;
    const spoiled = [...messages];
    const i = between(0, spoiled.length - 1);
    if (chance(0.2)) {
      spoiled.splice(i, 1, ...(chance(0.5) ? [] : [spoiled[i], spoiled[i]]));
    } else if (typeof spoiled[i] === "string") {
      spoiled[i] = this.#spoilText(spoiled[i]);
    }
    return spoiled.length === 0 ? messages : spoiled;
  }

  #spoilText(text) {
    const { between, pick, chance } = this.#random;
    const characters = [...text];
    for (let n = chance(0.7) ? 1 : 3; n > 0; n--) {
      const i = between(0, characters.length);
      pick([
        () => characters.splice(i, 1),
        () => characters.splice(i, 0, pick(spice)),
        () => characters.splice(i, 1, pick(spice)),
        () => characters.splice(i, between(1, 5)),
      ])();
    }
    return characters.join("");
  }
}

export function fuzzed() {
  return Array.from({ length: COUNT }, (_, n) => new Author(new Random(n + 1)).write(n + 1));
}
