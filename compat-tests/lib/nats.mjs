// A real NATS server for the tests, in a folder and on a port of its own, ended with the tests; and those that our servers
// run in themselves.

import { mkdtempSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Process } from "./process.mjs";
import { freePorts } from "./ports.mjs";

const folder = () => mkdtempSync(join(tmpdir(), "nats-"));

/** Starts a NATS server with JetStream. */
export async function startNATS() {
  const [port] = await freePorts(1);
  const args = ["-port", port, "-store", folder()];
  const launch = async () => {
    const server = new Process(process.env.COMPAT_NATS, args, { pattern: /^ready$/ });
    await server.line;
    return server;
  };
  let server = await launch();
  return {
    address: `127.0.0.1:${port}`,
    /** Kills it, and starts it again with what JetStream has on disk. */
    async restart() {
      await server.kill();
      server = await launch();
    },
    /** What a bucket has under a key, as text; "" if there is nothing. */
    value: (bucket, key) => request(port, `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`),
    kill: () => server.kill(),
  };
}

/** Asks a NATS server something, and resolves with the text of its answer, without headers. */
async function request(port, subject) {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(`CONNECT {"verbose":false,"headers":true}\r\nSUB answer 1\r\nPUB ${subject} answer 0\r\n\r\n`);
  let text = "";
  for await (const data of socket) { // which is closed at the return
    text += data.toString("latin1");
    const [line, headers, size] = /^HMSG \S+ \S+ (\d+) (\d+)\r\n/m.exec(text) ?? [];
    const message = line && text.slice(text.indexOf(line) + line.length);
    if (message?.length >= Number(size)) {
      return message.slice(Number(headers), Number(size));
    }
  }
  return "";
}

/** Ports for clusters of servers that run NATS in themselves, which begin with those that start first. */
export async function embeddedNATS(servers) {
  const ports = await freePorts(50);
  const clusters = new Map();
  return {
    address: {
      /** The URL of one more server of the cluster with a key. */
      next(key, parameters = {}) {
        if (!clusters.has(key)) {
          clusters.set(key, ports.splice(0, servers));
        }
        const first = clusters.get(key).map((port) => `127.0.0.1:${port}`);
        const at = first[(clusters.get(key).started ??= 0)] ?? `127.0.0.1:${ports.pop()}`;
        clusters.get(key).started++;
        const query = new URLSearchParams({ prefix: key, routes: first.join(), store: folder(), ...parameters });
        return `nats+embedded://token@${at}?${query}`;
      },
    },
    kill() {},
  };
}
