// What the scenarios of scenarios.test.mjs have in the page, beside the client's bundle.

window.sockets = [];

/** A client's socket, not yet connected. */
window.open_ = (path, options) => {
  const socket = window.io(location.origin + path, { forceNew: true, reconnection: false, ...window.settings, ...options });
  window.sockets.push(socket);
  return socket;
};

window.next = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(window.plain(args))));

window.connect = async (path = "/", options = {}) => {
  const socket = window.open_(path, options);
  await window.next(socket, "connect");
  return socket;
};

/** Waits until a socket's connection uses a transport. Not with next: the event's argument is a transport, which leads to everything else. */
window.settled = (socket, transport) =>
  new Promise((resolve) => {
    const { engine } = socket.io;
    if (engine.transport.name === transport) {
      resolve();
    } else {
      engine.once("upgrade", () => resolve());
    }
  });

window.ask = (socket, ...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(window.plain(answer))));

/** A value with binary as {bytes}, and errors as their properties, as it can leave the page. */
window.plain = (value) => {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    return bytes.length > 1_000 ? { length: bytes.length, sum: bytes.reduce((a, b) => (a * 31 + b) % 1_000_003, 7) } : { bytes: [...bytes] };
  }
  if (value instanceof Error) {
    return { message: value.message, data: value.data };
  }
  if (Array.isArray(value)) {
    return value.map(window.plain);
  }
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, window.plain(inner)]));
  }
  return value;
};
