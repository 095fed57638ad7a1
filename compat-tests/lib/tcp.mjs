import net from "node:net";
import { within, withResolvers } from "./deadline.mjs";

/**
 * Bytes to a server and back, for requests that no HTTP client would send. `ended` resolves with everything received,
 * as a latin1 string, when the peer has closed or reset the connection.
 */
export class RawConnection {
  #socket;
  #received = "";
  #changed = withResolvers();
  #ended = withResolvers();

  constructor({ host, port }) {
    this.#socket = net.connect({ host, port });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text) => {
      this.#received += text;
      this.#notify();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#ended.resolve(this.#received);
      this.#notify();
    });
  }

  #notify() {
    this.#changed.resolve();
    this.#changed = withResolvers();
  }

  get received() {
    return this.#received;
  }

  get ended() {
    return within(this.#ended.promise, "the end of a raw connection");
  }

  write(data) {
    this.#socket.write(data);
    return this;
  }

  /** Resolves with all that was received once it contains text. */
  async until(text) {
    while (!this.#received.includes(text)) {
      if (this.#socket.destroyed) {
        throw new Error(`connection ended without ${JSON.stringify(text)}: ${JSON.stringify(this.#received)}`);
      }
      await within(this.#changed.promise, `${JSON.stringify(text)} on a raw connection`);
    }
    return this.#received;
  }

  destroy() {
    this.#socket.destroy();
  }
}

/** Sends the text as one connection's whole traffic and resolves with all that came back until its end. */
export async function exchange(server, text) {
  const connection = new RawConnection(server);
  try {
    return await connection.write(text).ended;
  } finally {
    connection.destroy();
  }
}
