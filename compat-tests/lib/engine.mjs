// Engine.IO 4 by hand: sessions over polling and over WebSocket, one request and one frame at a time.

import assert from "node:assert/strict";
import { begin, get, post } from "./http.mjs";
import { RawWebSocket } from "./websocket.mjs";

export const SEPARATOR = "\x1e";

/** An Engine.IO server at a path of a host: "/engine.io/" is the bare one, "/socket.io/" the one below Socket.IO. */
export class Engine {
  #server;
  #path;

  constructor(server, path) {
    this.#server = server;
    this.#path = path;
  }

  get server() {
    return this.#server;
  }

  get path() {
    return this.#path;
  }

  /** The address with exactly this query: an object, or a string as it is. */
  url(query) {
    return `${this.#server.url}${this.#path}?${new URLSearchParams(query)}`;
  }

  /** Opens a session over polling. */
  async poll(query = {}) {
    const { status, headers, body } = await get(this.url({ EIO: 4, transport: "polling", ...query }));
    assert.equal(status, 200);
    assert.equal(body[0], "0");
    return new PollingSession(this, JSON.parse(body.slice(1)), headers);
  }

  /** Opens a WebSocket with this query, or that of a new session, and leaves its first message unread. */
  async connect(t, query = {}, options = {}) {
    const ws = this.dial(t, { EIO: 4, transport: "websocket", ...query }, options);
    await ws.opened;
    return ws;
  }

  /** As connect, without waiting and with nothing but this query. */
  dial(t, query, options = {}) {
    const ws = new RawWebSocket(this.url(query), options);
    t.after(() => ws.terminate());
    return ws;
  }

  /** Opens a session over WebSocket and reads its open packet into ws.handshake. */
  async websocket(t, options) {
    const ws = await this.connect(t, {}, options);
    const open = await ws.next();
    assert.equal(open[0], "0");
    ws.handshake = JSON.parse(open.slice(1));
    return ws;
  }
}

/** A session over polling. */
class PollingSession {
  constructor(engine, handshake, headers) {
    this.engine = engine;
    this.handshake = handshake;
    this.headers = headers;
    this.sid = handshake.sid;
    this.url = engine.url({ EIO: 4, transport: "polling", sid: this.sid });
  }

  get(options) {
    return get(this.url, options);
  }

  post(body, options) {
    return post(this.url, body, options);
  }

  /**
   * Starts a GET that waits. Nothing tells a client that its GET is parked, so whole exchanges on later connections
   * are put between it and whatever comes next.
   */
  async park() {
    const parked = begin("GET", this.url);
    await parked.sent();
    for (let i = 0; i < 3; i++) {
      await get(this.engine.url({ transport: "none" }));
    }
    return parked;
  }

  /** Sends packets and expects the server to take them. */
  async send(...packets) {
    const { status, body } = await this.post(packets.join(SEPARATOR));
    assert.deepEqual({ status, body }, { status: 200, body: "ok" });
  }

  /** The packets of one GET, which is expected to succeed. */
  async receive() {
    const { status, body } = await this.get();
    assert.equal(status, 200);
    return body.split(SEPARATOR);
  }

  /** The packets of as many GETs as it takes to get n of them. */
  async take(n) {
    const packets = [];
    while (packets.length < n) {
      packets.push(...(await this.receive()));
    }
    return packets;
  }

  /** A WebSocket that asks to take this session over; its probe is not sent yet. */
  candidate(t) {
    return this.engine.connect(t, { sid: this.sid });
  }

  /** Asserts that the session is no more. */
  async assertGone() {
    const { status, body } = await this.get();
    assert.equal(status, 400);
    assert.deepEqual(JSON.parse(body), { code: 1, message: "Session ID unknown" });
  }
}

/** Runs requests until one is answered as said: for what the server is about to do on another connection. */
export async function eventually(attempt, isDone) {
  for (let i = 0; i < 1_000; i++) {
    const answer = await attempt();
    if (isDone(answer)) {
      return answer;
    }
  }
  throw new Error("not within 1000 attempts");
}
