// Plays a script against a server. A script is {name, at, server, quiet, msgpack, recovery, steps}: `at` the path that requests go
// to, `server` the flags that the server is started with, `msgpack` tells that binary messages are MessagePack, `recovery` that events
// end with an offset, and each step an array of a verb and its arguments:
//
//   ["open", query]        the GET that opens a session; later requests are in that session
//   ["get", query]         a GET of the session
//   ["poll", query]        GETs of the session from now on, one after the other, of which only the packets are looked at
//   ["pause"]              no more of them
//   ["post", body, query, headers]
//   ["request", {method, path, query, headers, body, version, length}]   any request; nothing of the session
//   ["method", method]     a request of the session with another method
//   ["upload", length, part]   a POST that announces a length and sends only a part
//   ["more", text]         more bytes on the connection used last, or with "post" and so on that of this kind
//   ["ws", query, headers] a WebSocket: of the session, as a candidate for its upgrade, or of a new one
//   ["send", text...]      text frames on the WebSocket
//   ["bytes", hex...]      binary frames on it
//   ["frame", opcode, payload, {fin, reserved, masked, length}]
//   ["end"], ["cut"]       ends, or resets, such a connection
//   ["wait", ms]           nothing
//   ["as", name]           what follows is another client, or a former one again
//   ["together", step...]  steps one right after the other
//   ["same", step]         a request on the connection used last, instead of one of its own
//
// In what is posted and sent, "<question 1>" is the id of the first question that the server has asked, and "<pid 3>" the id that has
// this name in the transcript.
//
// A query is an object whose members are put over those that the step has by itself (null removes one), or the string to send.
// A step is over when nothing has happened for `quiet` milliseconds.

import { setTimeout as sleep } from "node:timers/promises";
import { frame, BINARY, CLOSE, TEXT } from "../lib/frame.mjs";
import { Channel } from "./channel.mjs";
import { Transcript } from "./transcript.mjs";

const HOST = "server.test";

/** How long an answer may take that should come at once, and how long a step may be without an end, in milliseconds. */
const PATIENCE = 1_500;

const answeredAtOnce = ["open", "post", "ws", "request"];

/** The packets of a payload, as text. */
function packetsOf(body, headers, isOld) {
  if (!isOld) {
    return body.toString().split("\x1e");
  }
  const isBinary = headers.some(([name, value]) => name === "content-type" && value === "application/octet-stream");
  return isBinary ? packetsOfBinary(body) : packetsOfText(body.toString());
}

/** A payload of protocol 3: a length, a colon and so much text, again and again. */
function packetsOfText(body) {
  const packets = [];
  for (let rest = body; rest; ) {
    const [head, length] = /^(\d+):/.exec(rest) ?? [rest];
    const end = length === undefined ? rest.length : head.length + Number(length);
    packets.push(rest.slice(length === undefined ? 0 : head.length, end));
    rest = rest.slice(end);
  }
  return packets;
}

/** Its binary form: 0 or 1 for text or bytes, the digits of a length, 255, and so many bytes. */
function packetsOfBinary(body) {
  const packets = [];
  for (let rest = body; rest.length > 0; ) {
    const end = rest.indexOf(255);
    const length = Number([...rest.subarray(1, end)].join(""));
    const packet = rest.subarray(end + 1, end + 1 + length);
    packets.push(rest[0] === 0 ? packet.toString() : `bytes ${packet.toString("hex")}`);
    rest = rest.subarray(end + 1 + length);
  }
  return packets;
}

class Client {
  sid;
  last = {};
  count = 0;

  constructor(name) {
    this.name = name;
  }
}

class Player {
  #script;
  #server;
  #transcript;
  #clients = new Map();
  #client;
  #channels = [];
  #isTogether = false;
  #isOver = false;
  #kept;

  constructor(script, server) {
    this.#script = script;
    this.#server = server;
    this.#transcript = new Transcript(script);
    this.as("");
  }

  async play(quiet) {
    try {
      for (const step of this.#script.steps) {
        this.#transcript.begin(step);
        await this.#run(step);
        await this.#answered(step);
        await this.#settle(this.#script.quiet ?? quiet);
      }
      return this.#transcript.steps;
    } finally {
      this.#isOver = true;
      for (const channel of this.#channels) {
        channel.destroy();
      }
    }
  }

  async #run([verb, ...args]) {
    await this[verb](...args);
  }

  /** Waits for the answer to a request that is answered at once, but not for ever. */
  async #answered([verb]) {
    const channel = answeredAtOnce.includes(verb) ? this.#client.last[verb] : undefined;
    for (const start = performance.now(); channel?.waits && performance.now() - start < PATIENCE; ) {
      await sleep(10);
    }
  }

  async #settle(quiet) {
    const start = performance.now();
    while (this.#transcript.quietFor < quiet && performance.now() - start < PATIENCE + quiet) {
      await sleep(quiet - this.#transcript.quietFor + 1);
    }
  }

  async #channel(kind) {
    const client = this.#client;
    if (this.#kept) {
      client.last[kind] = this.#kept;
      return this.#kept;
    }
    client.count++;
    const label = `${client.name}${client.name && " "}${kind} ${client.count}`;
    let answered;
    const channel = new Channel(this.#server, (event) => {
      this.#notice(client, event);
      const step = this.#transcript.length;
      // How long an HTTP server keeps a connection that nobody uses is its own business.
      if (event.kind !== "end" || channel.isWebSocket || channel.waits || answered === step) {
        this.#transcript.add(label, event);
      }
      answered = step;
    });
    this.#channels.push(channel);
    client.last[kind] = channel;
    client.last.any = channel;
    await channel.connected;
    return channel;
  }

  /** Reads the session's id out of its first packet. */
  #notice(client, { kind, status, body, payload }) {
    if (client.sid || (kind === "response" ? status !== 200 : kind !== "frame")) {
      return;
    }
    const text = (body ?? payload).toString();
    client.sid = /0\{\\*"sid\\*":\\*"([\w-]+)/.exec(text)?.[1];
    client.isWebSocket = kind === "frame";
  }

  #target(query, own, path = this.#script.at) {
    if (typeof query === "string") {
      return `${path}${query && "?"}${query}`;
    }
    const all = { EIO: "4", ...own, ...query };
    const used = Object.entries(all).filter(([, value]) => value !== null && value !== undefined);
    return `${path}?${new URLSearchParams(used)}`;
  }

  #session(transport) {
    return { transport, sid: this.#client.sid };
  }

  async #request(kind, method, target, { headers = {}, body, version = "1.1" } = {}) {
    const channel = await this.#channel(kind);
    channel.expect({ hasBody: method !== "HEAD" });
    const length = body === undefined ? null : Buffer.byteLength(body);
    const fields = { Host: HOST, "Content-Length": length, ...headers };
    const lines = Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}\r\n`);
    const head = Buffer.from(`${method} ${target} HTTP/${version}\r\n${lines.join("")}\r\n`, "latin1");
    channel.write(Buffer.concat([head, Buffer.from(body ?? "")]));
    return channel;
  }

  async open(query, headers) {
    await this.#request("open", "GET", this.#target(query, { transport: "polling" }), { headers });
    // Whatever comes next needs the session's id.
    await this.#settle(this.#isTogether ? 50 : 0);
  }

  async get(query, headers) {
    await this.#request("get", "GET", this.#target(query, this.#session("polling")), { headers });
  }

  async poll(query) {
    const client = this.#client;
    client.polls = client.name ? `${client.name} poll` : "poll";
    const target = this.#target(query, this.#session("polling"));
    const next = async (event) => {
      if (event.kind !== "response") {
        return;
      }
      if (event.status !== 200) {
        this.#transcript.add(client.polls, event);
        return;
      }
      const packets = packetsOf(event.body, event.headers, query?.EIO === "3");
      for (const packet of packets) {
        this.#transcript.add(client.polls, { kind: "packet", packet });
      }
      if (!packets.includes("1") && !this.#isOver && !client.isPaused) {
        await this.#ask(target, next);
      }
    };
    await this.#ask(target, next);
  }

  pause() {
    this.#client.isPaused = true;
  }

  async #ask(target, answered) {
    const channel = new Channel(this.#server, answered);
    this.#channels.push(channel);
    this.#client.last.poll = channel;
    await channel.connected;
    channel.expect();
    channel.write(`GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  }

  async post(text, query, headers) {
    const body = this.#transcript.answering(text);
    const target = this.#target(query, this.#session("polling"));
    await this.#request("post", "POST", target, { headers: { "Content-Type": "text/plain;charset=UTF-8", ...headers }, body });
  }

  async request({ method = "GET", path, query = "", headers, body, version }) {
    await this.#request("request", method, this.#target(query, {}, path), { headers, body, version });
  }

  async method(method) {
    await this.#request("request", method, this.#target(undefined, this.#session("polling")));
  }

  async upload(length, part, headers) {
    const target = this.#target(undefined, this.#session("polling"));
    await this.#request("post", "POST", target, { headers: { "Content-Length": length, ...headers }, body: part });
  }

  async ws(query, headers) {
    const target = this.#target(query, this.#session("websocket"));
    await this.#request("ws", "GET", target, {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": 13,
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...headers,
      },
    });
  }

  more(text, kind = "any") {
    this.#client.last[kind]?.write(Buffer.from(text, "latin1"));
  }

  send(...texts) {
    this.#frames(texts.map((text) => frame(TEXT, this.#transcript.answering(text))));
  }

  bytes(...payloads) {
    this.#frames(payloads.map((hex) => frame(BINARY, Buffer.from(hex, "hex"))));
  }

  frame(opcode, payload = "", options = {}) {
    if (opcode === CLOSE && this.#client.last.ws) {
      this.#client.last.ws.hasClosed = true;
    }
    this.#frames([frame(opcode, typeof payload === "string" ? payload : Buffer.from(payload.hex, "hex"), options)]);
  }

  #frames(frames) {
    this.#client.last.ws?.write(Buffer.concat(frames));
  }

  end(kind = "any") {
    this.#client.last[kind]?.end();
  }

  cut(kind = "any") {
    this.#client.last[kind]?.cut();
  }

  wait(ms) {
    return sleep(ms);
  }

  as(name) {
    if (!this.#clients.has(name)) {
      this.#clients.set(name, new Client(name));
    }
    this.#client = this.#clients.get(name);
  }

  async same(step) {
    this.#kept = this.#client.last.any;
    await this.#run(step);
    if (!this.#isTogether) {
      await this.#answered(step);
    }
    this.#kept = undefined;
  }

  async together(...steps) {
    this.#isTogether = true;
    for (const step of steps) {
      await this.#run(step);
    }
    this.#isTogether = false;
  }
}

/** Plays script and resolves with its transcript. */
export function play(script, server, quiet) {
  return new Player(script, server).play(quiet);
}
