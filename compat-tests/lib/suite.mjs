// What the scenario files have in common: one server for the file, the ways to connect, one definition for all of them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { newest, Way, ways } from "./clients.mjs";
import { Inbox } from "./inbox.mjs";
import { once, within } from "./deadline.mjs";
import { startDemo } from "./demo.mjs";
import { declared, noted } from "./results.mjs";
import { startServer } from "./server.mjs";

/**
 * One server process for all tests of a file. The object returned has the fields of startServer's result as soon as
 * the first test runs.
 */
export function useServer(...flags) {
  const server = {};
  before(async () => {
    await setImmediate(); // until when the file has declared its tests
    if (declared.any) {
      Object.assign(server, await startServer(flags));
    }
  });
  // Once the file has been read: Node.js 20 does not end by itself where there are hooks and no tests.
  queueMicrotask(() => declared.any || test("nothing here is for these clients", { skip: true }));
  after(() => server.kill?.());
  return server;
}

/** As useServer, with the demo. */
export function useDemo(options) {
  const demo = {};
  before(async () => Object.assign(demo, await startDemo(await options?.())));
  after(() => demo.kill?.());
  return demo;
}

/**
 * Declares a scenario: run(t, way) is a test for each way to connect. The options are those of ways (clients.mjs): they
 * say which clients can do it, and over which transports it makes sense.
 */
export function scenario(name, ...rest) {
  const run = rest.pop();
  const [options = {}] = rest;
  const all = ways(options);
  if (all.length === 0) {
    return;
  }
  describe(name, () => {
    for (const way of all) {
      const cell = { scenario: name, client: way.client.name, transport: way.transport };
      test(way.name, { timeout: options.timeout ?? 60_000 }, noted(cell, (t) => run(t, way)));
    }
  });
}

/** The newest client over WebSocket: for scenarios, and parts of them, that are about the server. */
export const plainly = new Way(newest, "websocket");

/**
 * An official client for url, with a connection of its own, closed when the test t ends. It does not reconnect unless
 * the options say so: a scenario that loses its connection by surprise should fail where that happens.
 */
export function open(t, url, way, options = {}) {
  const socket = way.io(url, { forceNew: true, reconnection: false, ...way.options, ...options });
  t.after(() => {
    socket.io.reconnection(false);
    socket.close();
    // Other namespaces of the connection may still want it.
    socket.io.disconnect();
    socket.io.engine?.close();
  });
  return socket;
}

/** As open, and waits until the client is connected. */
export async function connect(t, url, way, options) {
  const socket = open(t, url, way, options);
  await connected(socket);
  return socket;
}

/** As connect, and waits until the connection is on the transport where it stays. */
export async function settled(t, url, way, options) {
  const socket = await connect(t, url, way, options);
  if (way.settles === "websocket") {
    await upgraded(socket);
  }
  return socket;
}

/** Waits until socket is connected; a refusal fails the test. */
export async function connected(socket) {
  if (socket.connected) {
    return;
  }
  const refused = new Promise((_, reject) => {
    for (const event of ["connect_error", "error"]) {
      socket.once(event, (error) => reject(error instanceof Error ? error : new Error(`refused: ${JSON.stringify(error)}`)));
    }
  });
  await Promise.race([once(socket, "connect"), refused]);
}

/** Resolves when the client's connection has moved to WebSocket. */
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") {
    await once(engine, "upgrade");
  }
}

/** A value that was received, with Buffers for whatever the client has for binary. */
export function received(value) {
  if (value instanceof ArrayBuffer) {
    return Buffer.from(value);
  }
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  if (Array.isArray(value)) {
    return value.map(received);
  }
  if (value && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, received(inner)]));
  }
  return value;
}

/** Everything of that name that socket receives from now on: an Inbox of argument arrays. */
export function record(socket, name) {
  const inbox = new Inbox(`event ${JSON.stringify(name)}`);
  socket.on(name, (...args) => inbox.push(received(args)));
  return inbox;
}

/** Emits, and resolves with all arguments of the acknowledgement. */
export function ask(socket, name, ...args) {
  const answer = new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(received(answer))));
  return within(answer, `answer to ${JSON.stringify(name)}`);
}

/**
 * Has a client's server ask a room in which somebody does not answer, and resolves with the answers of the others. On a busy machine
 * they, too, may be too late the first time: then it waits for longer.
 */
export async function pollInVain(socket, room, question) {
  for (const ms of [300, 4_000]) {
    const [late, some] = await ask(socket, "poll", room, ms, question);
    assert.equal(late, "operation has timed out");
    if (some.length > 0) {
      return some;
    }
  }
  return [];
}
