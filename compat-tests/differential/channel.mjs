// One TCP connection of a script, byte by byte: what the server answers on it is read as HTTP responses and, after a 101, as
// WebSocket frames. Nothing of it is corrected or answered by itself, but for a close frame, which every client answers.

import net from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { frame, CLOSE } from "../lib/frame.mjs";

const opcodes = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

/** A message without its compression (RFC 7692 section 7.2.2), or as it is where it has none. */
function inflated(payload) {
  try {
    return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return payload;
  }
}

/** A connection to a server. `tell` is called with {kind, ...} for each thing that happens on it. */
export class Channel {
  #socket;
  #tell;
  #input = Buffer.alloc(0);
  #responses = [];
  /** Whether a close frame has been sent. */
  hasClosed = false;

  /** Whether a 101 has made it a WebSocket. */
  isWebSocket = false;
  #ended = false;

  constructor({ host, port }, tell) {
    this.#tell = tell;
    this.#socket = net.connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#socket.on("data", (data) => {
      this.#input = Buffer.concat([this.#input, data]);
      this.#read();
    });
    this.#socket.on("end", () => this.#over("end"));
    this.#socket.on("error", () => this.#over("reset"));
  }

  /** Resolves when the connection is there, so that what is written to several arrives in the order of writing. */
  get connected() {
    return new Promise((resolve) => {
      if (!this.#socket.connecting) {
        resolve();
        return;
      }
      this.#socket.once("connect", resolve);
      this.#socket.once("error", resolve);
    });
  }

  /** Whether a request is not answered yet. */
  get waits() {
    return this.#responses.length > 0 && !this.#ended;
  }

  /** Announces a request whose answer is to be read; hasBody is false where the method has none. */
  expect({ hasBody = true } = {}) {
    this.#responses.push({ hasBody });
  }

  write(data) {
    if (this.#socket.writable) {
      this.#socket.write(data);
    }
  }

  /** Ends the client's half of the connection. */
  end() {
    this.#socket.end();
  }

  /** Cuts the connection without a word. */
  cut() {
    this.#ended = true;
    this.#socket.resetAndDestroy();
  }

  destroy() {
    this.#ended = true;
    this.#socket.destroy();
  }

  #over(how) {
    if (this.#ended) {
      return;
    }
    const [response] = this.#responses;
    if (response?.untilEnd) {
      this.#answer(this.#input);
    }
    this.#ended = true;
    this.#tell({ kind: how });
    // An end is answered with an end, as clients do.
    this.#socket.end();
  }

  #read() {
    while (!this.#ended && (this.isWebSocket ? this.#readFrame() : this.#readResponse())) {
      // As long as there is something whole.
    }
  }

  #take(n) {
    const taken = this.#input.subarray(0, n);
    this.#input = this.#input.subarray(n);
    return taken;
  }

  #readResponse() {
    const response = this.#responses[0] ?? { hasBody: true };
    if (!response.headers && !this.#readHead(response)) {
      return false;
    }
    if (response.status === 101) {
      this.isWebSocket = true;
      this.#answer(Buffer.alloc(0));
      return true;
    }
    if (response.status < 200) {
      this.#tell({ kind: "continue" });
      response.headers = undefined;
      return true;
    }
    return this.#readBody(response);
  }

  #readHead(response) {
    const end = this.#input.indexOf("\r\n\r\n");
    if (end < 0) {
      return false;
    }
    const [status, ...fields] = this.#take(end + 4).toString("latin1").trimEnd().split("\r\n");
    if (this.#responses.length === 0) {
      this.#responses.push(response);
    }
    response.status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(status)?.[1] ?? 0);
    response.headers = fields.map((field) => {
      const [, name, value] = /^([^:]*):\s*(.*?)\s*$/.exec(field) ?? [field, field, ""];
      return [name.toLowerCase(), value];
    });
    return true;
  }

  #readBody(response) {
    const header = (name) => response.headers.find(([n]) => n === name)?.[1];
    if (!response.hasBody || response.status === 204 || response.status === 304) {
      this.#answer(Buffer.alloc(0));
      return true;
    }
    const length = header("content-length");
    if (length !== undefined) {
      if (this.#input.length < Number(length)) {
        return false;
      }
      this.#answer(this.#take(Number(length)));
      return true;
    }
    if (header("transfer-encoding") === "chunked") {
      return this.#readChunked();
    }
    response.untilEnd = true;
    return false;
  }

  #readChunked() {
    const chunks = [];
    let at = 0;
    for (;;) {
      const line = this.#input.indexOf("\r\n", at);
      if (line < 0) {
        return false;
      }
      const size = Number.parseInt(this.#input.subarray(at, line).toString("latin1"), 16);
      const end = line + 2 + size + 2;
      if (this.#input.length < end) {
        return false;
      }
      chunks.push(this.#input.subarray(line + 2, line + 2 + size));
      at = end;
      if (size === 0) {
        this.#take(at);
        this.#answer(Buffer.concat(chunks));
        return true;
      }
    }
  }

  #answer(body) {
    const { status, headers } = this.#responses.shift();
    this.#tell({ kind: "response", status, headers, body });
  }

  #readFrame() {
    const input = this.#input;
    if (input.length < 2) {
      return false;
    }
    let length = input[1] & 0x7f;
    let start = 2;
    if (length === 126 && input.length >= 4) {
      length = input.readUInt16BE(2);
      start = 4;
    } else if (length === 127 && input.length >= 10) {
      length = Number(input.readBigUInt64BE(2));
      start = 10;
    } else if (length > 125) {
      return false;
    }
    if (input.length < start + length) {
      return false;
    }
    const raw = Buffer.from(this.#take(start + length).subarray(start));
    // Whether a message is compressed says nothing about it.
    const payload = input[0] & 0x40 ? inflated(raw) : raw;
    const opcode = input[0] & 0x0f;
    const flags = `${input[0] & 0x80 ? "" : " unfinished"}${input[0] & 0x30 ? " reserved" : ""}${input[1] & 0x80 ? " masked" : ""}`;
    this.#tell({ kind: "frame", opcode, name: (opcodes[opcode] ?? `opcode ${opcode}`) + flags, payload });
    if (opcode === CLOSE && !this.hasClosed) {
      this.hasClosed = true;
      this.write(frame(CLOSE, payload.subarray(0, 2)));
    }
    return true;
  }
}
