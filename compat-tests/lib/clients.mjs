// The official clients of every generation, and the ways each of them can connect.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Version of a client, and the npm package (an alias, mostly) that it is installed as; the newest last. */
const versions = {
  "1.7.4": "socket.io-client-v1",
  "2.5.0": "socket.io-client-v2",
  "3.1.3": "socket.io-client-v3",
  "4.0.2": "socket.io-client-v4.0",
  "4.4.1": "socket.io-client-v4.4",
  "4.6.2": "socket.io-client-v4.6",
  "4.7.5": "socket.io-client-v4.7",
  "4.8.4": "socket.io-client",
};

const transports = {
  polling: { transports: ["polling"] },
  base64: { transports: ["polling"], forceBase64: true },
  websocket: { transports: ["websocket"] },
  upgrade: {},
};

/** Compares two versions by their first two numbers. */
function compare(a, b) {
  const [[a0, a1 = 0], [b0, b1 = 0]] = [a, b].map((version) => version.split(".").map(Number));
  return a0 - b0 || a1 - b1;
}

/** An official client. Its name is its version, and what else is special about it. */
class Client {
  #package;

  constructor(version, { parser } = {}) {
    this.version = version;
    this.name = parser ? `${version}+${parser}` : version;
    this.#package = versions[version];
    this.options = parser ? { parser: require(`socket.io-${parser}-parser`) } : {};
    /** Speaks Engine.IO 3: joins / by itself, has no auth, hears of a refusal by the event "error". */
    this.old = compare(version, "3.0") < 0;
    // Only those of Engine.IO 3 can do without binary.
    this.transports = this.old ? Object.keys(transports) : Object.keys(transports).filter((name) => name !== "base64");
  }

  get io() {
    const client = require(this.#package);
    return client.io ?? client;
  }

  since(version) {
    return compare(this.version, version) >= 0;
  }
}

const all = [...Object.keys(versions).map((version) => new Client(version)), new Client("4.8.4", { parser: "msgpack" })];

export const clientNames = all.map(({ name }) => name);

// Which of them this process plays; see run.mjs.
const chosen = process.env.COMPAT_CLIENTS?.split(" ") ?? ["4.8.4"];

/** The form of packets on the wire that every client of this process speaks, and so every server; "" is the usual one. */
export const parser = chosen[0].split("+")[1] ?? "";

/** The newest client, for scenarios that need a second one, or only care about the server. */
export const newest = parser ? all.at(-1) : all.find(({ name }) => name === "4.8.4");

/**
 * A way to connect: a client of some version over some transport. What a scenario does over each of them is to be
 * the same, where the client can do it at all.
 */
export class Way {
  constructor(client, transport) {
    this.client = client;
    this.transport = transport;
    this.old = client.old;
    this.name = `${client.name} over ${transport}`;
    this.options = { ...client.options, ...transports[transport] };
  }

  get io() {
    return this.client.io;
  }

  /** The same client over another transport. */
  over(transport) {
    return new Way(this.client, transport);
  }

  /** Whether the client is of that version or newer. */
  since(version) {
    return this.client.since(version);
  }

  /** The transport that the connection ends up on. */
  get settles() {
    return this.transport === "websocket" || this.transport === "upgrade" ? "websocket" : "polling";
  }

  /** The event by which a client hears that a namespace refuses it. */
  get refusal() {
    return this.old ? "error" : "connect_error";
  }
}

/**
 * The ways of this process's clients. from and below limit their versions, transports the transports; newest says that
 * only the newest client does, because the server cannot tell the difference; usual, that packets must have the usual form.
 */
export function ways({ from = "1.0", below = "99.0", transports: names, newest: only = false, usual = false } = {}) {
  if (usual && parser) {
    return [];
  }
  return all
    .filter(({ name }) => chosen.includes(name))
    .filter((client) => client.since(from) && !client.since(below) && (!only || client === newest))
    .flatMap((client) => client.transports.map((transport) => new Way(client, transport)))
    .filter(({ transport }) => !names || names.includes(transport));
}
