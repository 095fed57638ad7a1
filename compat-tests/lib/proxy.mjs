// A TCP proxy in front of a server: a network that a scenario can break.

import net from "node:net";
import { once } from "./deadline.mjs";

/** One connection of a client, and its twin at the server. */
class Link {
  /** What the client has sent so far began with this: the head of its first request. */
  head = "";

  /** How many chunks the server has sent. */
  answers = 0;

  constructor(client, server) {
    this.client = client;
    this.server = server;
  }

  get isWebSocket() {
    return /^upgrade: websocket/im.test(this.head);
  }

  /** Ends both connections at once, with a reset. */
  cut() {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }
}

export class Proxy {
  links = new Set();

  /** Called with (link, chunk) before a chunk goes on; what it returns goes on instead, unless it returns nothing. */
  onRequest = (link, chunk) => chunk;
  onAnswer = (link, chunk) => chunk;

  /** How long every chunk is under way, in milliseconds. */
  delay = 0;

  #listener;
  #target;
  #stalled = false;
  #down = false;

  /** Starts a proxy for a server, which ends with the test t. */
  static async start(t, server) {
    const proxy = new Proxy();
    proxy.#target = server;
    proxy.#listener = net.createServer((client) => proxy.#accept(client));
    const listening = once(proxy.#listener, "listening");
    proxy.#listener.listen(0, "127.0.0.1");
    await listening;
    t.after(() => {
      proxy.#listener.close();
      proxy.cut();
    });
    proxy.url = `http://127.0.0.1:${proxy.#listener.address().port}`;
    return proxy;
  }

  #accept(client) {
    if (this.#down) {
      client.resetAndDestroy();
      return;
    }
    const { host, port } = this.#target;
    const server = net.connect({ host, port });
    const link = new Link(client, server);
    this.links.add(link);
    client.on("data", (chunk) => {
      if (link.head.length < 4_096) {
        link.head += chunk.toString("latin1");
      }
      this.#pass(server, this.onRequest(link, chunk));
    });
    server.on("data", (chunk) => {
      link.answers++;
      this.#pass(client, this.onAnswer(link, chunk));
    });
    for (const [from, to] of [[client, server], [server, client]]) {
      from.on("error", () => {});
      from.on("end", () => this.#stalled || this.#later(() => to.end()));
      from.on("close", () => {
        if (to.destroyed) {
          this.links.delete(link);
        } else if (!this.#stalled) {
          this.#later(() => to.destroy());
        }
      });
    }
  }

  #pass(to, chunk) {
    if (!chunk || this.#stalled || to.destroyed) {
      return;
    }
    this.#later(() => to.destroyed || to.write(chunk));
  }

  /** Does something after the delay; whatever is delayed keeps its order. */
  #later(act) {
    if (this.delay > 0) {
      setTimeout(act, this.delay);
    } else {
      act();
    }
  }

  /** Cuts every connection. */
  cut() {
    for (const link of this.links) {
      link.cut();
    }
  }

  /** Cuts every connection, new ones too, until restore is called. */
  interrupt() {
    this.#down = true;
    this.cut();
  }

  /** Swallows everything from now on, and tells nobody: a cable that was pulled. */
  stall() {
    this.#stalled = true;
  }

  /** The network is back; what was connected through it is not. */
  restore() {
    this.#down = false;
    this.#stalled = false;
    this.cut();
  }
}
