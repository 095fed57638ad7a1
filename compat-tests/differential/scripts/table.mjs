// How the tables are written.

export const ENGINE = "/engine.io/";
export const SOCKETS = "/socket.io/";
const SEPARATOR = "\x1e";

/** A table of scripts: each entry is a name and its steps; `common` holds for all of them. */
export function table(name, common, entries) {
  const scripts = Object.entries(entries).map(([title, steps]) => ({ name: `${name}: ${title}`, ...common, steps }));
  return { name, scripts };
}

const isBytes = (message) => message.hex !== undefined;
const inPayload = (message) => (isBytes(message) ? `b${Buffer.from(message.hex, "hex").toString("base64")}` : message);
const inFrame = (message) => (isBytes(message) ? ["bytes", message.hex] : ["send", message]);

/** The entries for messages that a client sends one by one, over polling and over a WebSocket. Each is text or {hex}. */
export function oneByOne(title, messages) {
  return {
    [`${title}, over polling`]: [["open"], ["poll"], ...messages.map((message) => ["post", inPayload(message)])],
    [`${title}, over WebSocket`]: [["ws"], ...messages.map(inFrame)],
  };
}

/**
 * The entries for messages that arrive together: over polling in one payload, over a WebSocket in frames that are written at
 * once. `before` is sent ahead of them, `after` later, to see whether the session still lives.
 */
export function together(title, messages, { before, after }) {
  const payload = messages.map(inPayload).join(SEPARATOR);
  return {
    [`${title}, over polling`]: [["open"], ["poll"], ["post", before], ["post", payload], ["post", after]],
    [`${title}, over WebSocket`]: [["ws"], ["send", before], ["together", ...messages.map(inFrame)], ["send", after]],
  };
}
