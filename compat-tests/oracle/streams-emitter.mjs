// What @socket.io/redis-streams-emitter 0.1.1 writes. It is not on npm; these are its messages, as it was seen to write them.

import { encode } from "@msgpack/msgpack";

const types = { broadcast: 3, join: 4, leave: 5, disconnect: 6, serverSideEmit: 9 };

function hasBinary(value) {
  if (ArrayBuffer.isView(value)) {
    return true;
  }
  return typeof value === "object" && value !== null && Object.values(value).some(hasBinary);
}

/** An emitter for one namespace and the stream that the adapter of ioredis reads. */
export class StreamsEmitter {
  #redis;
  #stream;
  #nsp;
  #opts;

  constructor(redis, stream, nsp, opts = { rooms: [], flags: {}, except: [] }) {
    this.#redis = redis;
    this.#stream = stream;
    this.#nsp = nsp;
    this.#opts = opts;
  }

  #with(change) {
    return new StreamsEmitter(this.#redis, this.#stream, this.#nsp, { ...this.#opts, ...change });
  }

  to(rooms) {
    return this.#with({ rooms: [...this.#opts.rooms, ...[rooms].flat()] });
  }

  except(rooms) {
    return this.#with({ except: [...this.#opts.except, ...[rooms].flat()] });
  }

  get volatile() {
    return this.#with({ flags: { ...this.#opts.flags, volatile: true } });
  }

  compress(compress) {
    return this.#with({ flags: { ...this.#opts.flags, compress } });
  }

  emit(...data) {
    return this.#add(types.broadcast, { packet: { type: 2, data, nsp: this.#nsp }, opts: this.#opts });
  }

  socketsJoin(rooms) {
    return this.#add(types.join, { opts: this.#opts, rooms: [rooms].flat() });
  }

  socketsLeave(rooms) {
    return this.#add(types.leave, { opts: this.#opts, rooms: [rooms].flat() });
  }

  disconnectSockets(close = false) {
    return this.#add(types.disconnect, { opts: this.#opts, close });
  }

  serverSideEmit(...packet) {
    return this.#add(types.serverSideEmit, { packet });
  }

  #add(type, data) {
    const text = hasBinary(data) ? Buffer.from(encode(data)).toString("base64") : JSON.stringify(data);
    const entry = { uid: "emitter", nsp: this.#nsp, type: String(type), data: text };
    if (typeof this.#redis.xAdd === "function") {
      return this.#redis.xAdd(this.#stream, "*", entry, { TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: 10_000 } });
    }
    return this.#redis.xadd(this.#stream, "MAXLEN", "~", 10_000, "*", ...Object.entries(entry).flat());
  }
}
