import assert from "node:assert/strict";

/**
 * A Socket.IO client by hand, over a WebSocket of its own: sends and receives packets as they are on the wire, and
 * answers the server's pings by itself.
 */
class RawClient {
  constructor(websocket) {
    this.websocket = websocket;
    websocket.answersPings = true;
  }

  send(...frames) {
    for (const frame of frames) {
      this.websocket.send(frame);
    }
  }

  next() {
    return this.websocket.next();
  }

  take(n) {
    return this.websocket.take(n);
  }

  /** Resolves with {code, reason} and the frames left unread when the connection has ended. */
  get closed() {
    return this.websocket.closed.then((how) => ({ ...how, left: this.websocket.left() }));
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
