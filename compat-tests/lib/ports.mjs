// Ports for servers that cannot be started on a port of the kernel's choosing.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const first = 20_000;
const last = 32_767;

/** Listens on a port, and resolves with the server, or with nothing when another one listens there. */
function listen(port) {
  const server = createServer();
  return new Promise((done) => server.once("error", () => done()).listen(port, "127.0.0.1", () => done(server)));
}

/**
 * Ports that are free now, each a different one. They are below those that the kernel gives to clients (on Linux from
 * 32768): a connection could take one of these before a server listens there, or while it restarts; it could even be
 * connected to itself.
 */
export async function freePorts(n) {
  const servers = [];
  for (let attempts = 0; servers.length < n && attempts < 1_000; attempts++) {
    const server = await listen(randomInt(first, last + 1));
    if (server) {
      servers.push(server);
    }
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  if (ports.length < n) {
    throw new Error(`no ${n} free ports from ${first} to ${last}`);
  }
  return ports;
}
