// Texts, values and packets to be encoded and decoded, and mistakes in them.

const pieces = [
  "a", "hello", " ", "0", "7", "é", "€", "🔑", "\u2028", "\u2029", "\0", "\x1e", "\x1f", "\x7f", '"', "\\", "/", "\b\f\n\r\t", "<b>&amp;'", "b", ":", ",", "[]", "{}",
  "\ufeff", "\uffff", "\u{10ffff}", "null", "_placeholder",
];

const numbers = [
  0, 1, -1, 0.1, 1.5, -2.25, 1e21, 1e-7, 123456.789, 5e-324, 1.7976931348623157e308, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 127, 128, 255, 256, 65535,
  65536, -32, -33, -128, -129, 1e20, 100000,
];

// In the order in which Go writes them.
const keys = ["", " ", "A", "_", "a", "b", "key", "num", "é", "€"];

const names = ["message", "echo", "a b", "é", "", "connection", "error", "\"quoted\"", "\u2028", "x".repeat(40)];

const namespaces = ["/", "/", "/chat", "/a/b", "/é", "/chat?token=1", "/-1", "/ "];

export class Generator {
  #random;

  constructor(random) {
    this.#random = random;
  }

  text() {
    const { between, pick } = this.#random;
    return Array.from({ length: between(0, 6) }, () => pick(pieces)).join("");
  }

  bytes() {
    const { between } = this.#random;
    return Buffer.from(Array.from({ length: between(0, between(0, 3) === 0 ? 300 : 9) }, () => between(0, 255)));
  }

  /** A value that JSON can hold, with bytes in it if they are wanted. */
  value(hasBytes, depth = 0) {
    const { between, pick, chance } = this.#random;
    if (hasBytes && chance(0.2)) {
      return this.bytes();
    }
    if (depth > 3 || chance(0.6)) {
      return pick([null, true, false, this.text(), this.text(), pick(numbers), between(-1000, 1000)]);
    }
    if (chance(0.5)) {
      return Array.from({ length: between(0, 4) }, () => this.value(hasBytes, depth + 1));
    }
    return Object.fromEntries(keys.filter(() => chance(0.25)).map((key) => [key, this.value(hasBytes, depth + 1)]));
  }

  /** A Socket.IO packet as the official encoder takes it: {type, nsp, id, data}. */
  packet() {
    const { between, pick, chance } = this.#random;
    const hasBytes = chance(0.3);
    const args = Array.from({ length: between(0, 4) }, () => this.value(hasBytes));
    const packet = { type: pick([0, 1, 2, 2, 2, 2, 2, 3, 3, 4]), nsp: pick(namespaces) };
    switch (packet.type) {
      case 0:
        return chance(0.5) ? packet : { ...packet, data: { a: this.value(false) } };
      case 1:
        return packet;
      case 4:
        return { ...packet, data: chance(0.3) ? this.text() : { message: this.text() } };
      case 2:
        return { ...packet, ...(chance(0.3) ? { id: this.#id() } : {}), data: [pick(names), ...args] };
      default:
        return { ...packet, id: this.#id(), data: args };
    }
  }

  #id() {
    const { between, pick } = this.#random;
    return pick([0, 1, 9, 10, between(0, 100_000), 2 ** 53 - 1]);
  }

  /** Text with a mistake or several. */
  spoil(text) {
    const { between, pick, chance } = this.#random;
    const characters = [...text];
    for (let n = chance(0.6) ? 1 : between(2, 4); n > 0; n--) {
      const i = between(0, characters.length);
      pick([
        () => characters.splice(i, 1),
        () => characters.splice(i, between(1, 8)),
        () => characters.splice(i, 0, pick(spice)),
        () => characters.splice(i, 1, pick(spice)),
        () => characters.splice(0, i),
        () => characters.splice(i),
      ])();
    }
    return characters.join("");
  }

  /** Bytes with a mistake or several. */
  spoilBytes(bytes) {
    const { between, pick, chance } = this.#random;
    const spoiled = [...bytes];
    for (let n = chance(0.6) ? 1 : between(2, 4); n > 0; n--) {
      const i = between(0, spoiled.length);
      pick([
        () => spoiled.splice(i, 1),
        () => spoiled.splice(i, 0, between(0, 255)),
        () => spoiled.splice(i, 1, between(0, 255)),
        () => spoiled.splice(i, 1, pick([0, 1, 255, 4, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4, 0xd4, 0xd9, 0xdf])),
        () => spoiled.splice(i),
      ])();
    }
    return Buffer.from(spoiled);
  }
}

const spice = [..."0123456789b[]{}\",:/-+.eE \\x", "\x1e", "\0", "\n", "é", "🔑", "[]", "{}", "null", "true", '"x"', "\\u0000", "\\ud800", "-1", "1.5", "1e5", '{"_placeholder":true,"num":0}'];
