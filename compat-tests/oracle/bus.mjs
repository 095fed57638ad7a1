// An adapter of the official cluster family for the bus of ../lib/bus.mjs: messages as the official adapters write them, JSON or,
// where they hold binary data, MessagePack; base64, one a line.

import net from "node:net";
import { createInterface } from "node:readline";
import notepack from "notepack.io";
import { ClusterAdapterWithHeartbeat } from "socket.io-adapter";

/** The adapter class for the bus at an address. */
export function busAdapter(address) {
  const [host, port] = address.split(":");
  return class extends ClusterAdapterWithHeartbeat {
    #socket = net.connect(Number(port), host);

    constructor(namespace) {
      super(namespace, {});
      this.#socket.on("error", () => {});
      const lines = createInterface({ input: this.#socket });
      lines.on("error", () => {}); // those of the socket once more
      lines.on("line", (line) => {
        const message = decode(Buffer.from(line, "base64"));
        if (message.nsp === namespace.name) { // the official adapter takes adapters of other namespaces for servers
          this.onMessage(message);
        }
      });
    }

    doPublish(message) {
      this.#socket.write(`${encode(message).toString("base64")}\n`);
      return Promise.resolve("");
    }

    doPublishResponse(_, response) {
      return this.doPublish(response);
    }

    close() {
      super.close();
      this.#socket.end();
    }
  };
}

function encode(message) {
  return hasBinary(message) ? notepack.encode(message) : Buffer.from(JSON.stringify(message));
}

function decode(data) {
  return data[0] === 0x7b ? JSON.parse(data.toString()) : notepack.decode(data);
}

function hasBinary(value) {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return true;
  }
  return typeof value === "object" && value !== null && Object.values(value).some(hasBinary);
}
