// What the scenario files have in common: one server for the file, the three ways to connect, one official client.

import { after, before, describe } from "node:test";
import { io } from "socket.io-client";
import { Inbox } from "./inbox.mjs";
import { once } from "./deadline.mjs";
import { startDemo } from "./demo.mjs";
import { startServer } from "./server.mjs";

/**
 * One server process for all tests of a file. The object returned has the fields of startServer's result as soon as
 * the first test runs.
 */
export function useServer(...flags) {
  const server = {};
  before(async () => Object.assign(server, await startServer(flags)));
  after(() => server.kill?.());
  return server;
}

/** As useServer, with the demo. */
export function useDemo(options) {
  const demo = {};
  before(async () => Object.assign(demo, await startDemo(options?.())));
  after(() => demo.kill?.());
  return demo;
}

export const transports = [
  { name: "polling", options: { transports: ["polling"] } },
  { name: "websocket", options: { transports: ["websocket"] } },
  { name: "polling, then the upgrade", options: {} },
];

/** Declares the same tests once for each way that the official client can connect. */
export function overEachTransport(declare) {
  for (const transport of transports) {
    describe(`over ${transport.name}`, () => declare(transport));
  }
}

/**
 * An official client for url, with a connection of its own, closed when the test t ends. It does not reconnect unless
 * the options say so: a scenario that loses its connection by surprise should fail where that happens.
 */
export function open(t, url, transport, options = {}) {
  const socket = io(url, { forceNew: true, reconnection: false, ...transport.options, ...options });
  t.after(() => {
    socket.io.reconnection(false);
    socket.disconnect();
    socket.io.engine?.close();
  });
  return socket;
}

/** As open, and waits until the client is connected. */
export async function connect(t, url, transport, options) {
  const socket = open(t, url, transport, options);
  await connected(socket);
  return socket;
}

/** Waits until socket is connected; a refusal fails the test. */
export async function connected(socket) {
  if (socket.connected) {
    return;
  }
  const refused = new Promise((_, reject) => socket.once("connect_error", reject));
  await Promise.race([once(socket, "connect"), refused]);
}

/** Resolves when the client's connection has moved to WebSocket. */
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") {
    await once(engine, "upgrade");
  }
}

/** Everything of that name that socket receives from now on: an Inbox of argument arrays. */
export function record(socket, name) {
  const inbox = new Inbox(`event ${JSON.stringify(name)}`);
  socket.on(name, (...args) => inbox.push(args));
  return inbox;
}

/** Emits, and resolves with all arguments of the acknowledgement. */
export function ask(socket, name, ...args) {
  return new Promise((resolve, reject) => {
    socket.timeout(8_000).emit(name, ...args, (error, ...answer) => (error ? reject(error) : resolve(answer)));
  });
}
