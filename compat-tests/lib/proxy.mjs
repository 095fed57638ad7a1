import net from "node:net";

/** The network between a client and a server, which can be cut. */
export class Proxy {
  #server;
  #target;
  #sockets = new Set();
  #isCut = false;

  /** Resolves with a proxy in front of a server {host, port}, on a port of its own. */
  static async before(target) {
    const proxy = new Proxy();
    proxy.#target = target;
    proxy.#server = net.createServer((client) => proxy.#join(client));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.port = proxy.#server.address().port;
    proxy.url = `http://127.0.0.1:${proxy.port}`;
    return proxy;
  }

  #join(client) {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const upstream = net.connect(this.#target);
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }

  /** Breaks every connection, and lets no new one through. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  restore() {
    this.#isCut = false;
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
