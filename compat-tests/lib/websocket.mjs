import WebSocket from "ws";
import { Inbox } from "./inbox.mjs";
import { within, withResolvers } from "./deadline.mjs";

/**
 * A WebSocket whose messages wait in order until they are read: text frames as strings, binary ones as Buffers.
 * `opened` resolves, or rejects with {status, headers, body} as properties of the error, when the handshake is answered.
 * `closed` resolves with {code, reason} when the connection has ended; code 1005 is a close frame without a code.
 */
export class RawWebSocket {
  #ws;
  #messages = new Inbox("messages of a WebSocket");
  #opened = withResolvers();
  #closed = withResolvers();

  /** Answer Engine.IO pings at once, instead of queueing them. */
  answersPings = false;

  constructor(url, { protocols = [], ...options } = {}) {
    this.#ws = new WebSocket(url.replace(/^http/, "ws"), protocols, { perMessageDeflate: false, ...options });
    this.#ws.on("upgrade", (response) => (this.upgrade = response));
    this.#ws.on("open", () => this.#opened.resolve());
    this.#ws.on("message", (data, binary) => this.#receive(binary ? data : data.toString()));
    this.#ws.on("close", (code, reason) => {
      this.#opened.reject(new Error("closed before it was open"));
      this.#closed.resolve({ code, reason: reason.toString() });
    });
    this.#ws.on("error", (error) => this.#opened.reject(error));
    this.#ws.on("unexpected-response", (request, response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("close", () => {
        const { statusCode: status, headers } = response;
        const body = Buffer.concat(chunks).toString();
        this.#opened.reject(Object.assign(new Error(`answered ${status}`), { status, headers, body }));
        this.#ws.terminate();
      });
    });
    this.#opened.promise.catch(() => {});
  }

  #receive(message) {
    if (message === "2" && this.answersPings) {
      this.#ws.send("3");
    } else {
      this.#messages.push(message);
    }
  }

  get opened() {
    return within(this.#opened.promise, "the opening of a WebSocket");
  }

  get closed() {
    return within(this.#closed.promise, "the end of a WebSocket");
  }

  get protocol() {
    return this.#ws.protocol;
  }

  /** The TCP connection below, for what a well-behaved client would not write. */
  get connection() {
    return this.#ws._socket;
  }

  send(data) {
    this.#ws.send(data);
    return this;
  }

  next() {
    return this.#messages.next();
  }

  take(n) {
    return this.#messages.take(n);
  }

  /** What has arrived and was not read. */
  left() {
    return this.#messages.drain();
  }

  /** Stops and starts reading, as a client does that cannot keep up. */
  pause() {
    this.#ws.pause();
  }

  resume() {
    this.#ws.resume();
  }

  close() {
    this.#ws.close();
  }

  terminate() {
    this.#ws.terminate();
  }
}
