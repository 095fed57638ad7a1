import assert from "node:assert/strict";

/**
 * A Socket.IO client by hand, over a WebSocket of its own: sends and receives packets as they are on the wire, and
 * answers the server's pings by itself while it reads.
 */
class RawClient {
  #ws;

  constructor(ws) {
    this.#ws = ws;
  }

  send(...frames) {
    for (const frame of frames) {
      this.#ws.send(frame);
    }
  }

  /** The next frame that is not a ping. */
  async next() {
    for (;;) {
      const frame = await this.#ws.next();
      if (frame !== "2") {
        return frame;
      }
      this.#ws.send("3");
    }
  }

  async take(n) {
    const frames = [];
    while (frames.length < n) {
      frames.push(await this.next());
    }
    return frames;
  }

  /** The next frame, whatever it is. */
  nextFrame() {
    return this.#ws.next();
  }

  /** Resolves with the frames that were left and with {code, reason} when the connection has ended. */
  get closed() {
    return this.#end();
  }

  async #end() {
    const left = [];
    const closed = this.#ws.closed.then((how) => ({ how }));
    for (;;) {
      const first = await Promise.race([closed, this.next().then((frame) => ({ frame }), () => closed)]);
      if (first.how) {
        return { ...first.how, left };
      }
      left.push(first.frame);
    }
  }

  get websocket() {
    return this.#ws;
  }
}

/** Opens a WebSocket session at engine and joins nothing. */
export async function dialRaw(t, engine) {
  return new RawClient(await engine.websocket(t));
}

/** Opens a WebSocket session at engine and joins namespace, whose greeting is read. */
export async function connectRaw(t, engine, namespace = "/") {
  const client = await dialRaw(t, engine);
  const prefix = namespace === "/" ? "" : `${namespace},`;
  client.send(`40${prefix}`);
  assert.match(await client.next(), /^40/);
  assert.equal(await client.next(), `42${prefix}["auth",{}]`);
  return client;
}
