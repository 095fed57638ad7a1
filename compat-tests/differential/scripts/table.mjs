// How the tables are written.

export const ENGINE = "/engine.io/";
export const SOCKETS = "/socket.io/";
const SEPARATOR = "\x1e";

/** A table of scripts: each entry is a name and its steps; `common` holds for all of them. */
export function table(name, common, entries) {
  const scripts = Object.entries(entries).map(([title, steps]) => ({ name: `${name}: ${title}`, ...common, steps }));
  return { name, scripts };
}

/**
 * The entries for messages that a client sends, over polling in one payload and over a WebSocket in one frame each. Each
 * message is text or {hex}. `after` is sent later, to see whether the session still lives.
 */
export function overBoth(title, messages, after = "") {
  const payload = messages.map((m) => (m.hex === undefined ? m : `b${Buffer.from(m.hex, "hex").toString("base64")}`));
  const frames = messages.map((m) => (m.hex === undefined ? ["send", m] : ["bytes", m.hex]));
  return {
    [`${title}, over polling`]: [
      ["open"],
      ["post", payload.join(SEPARATOR)],
      ["get"],
      ...(after ? [["post", after], ["get"]] : []),
    ],
    [`${title}, over WebSocket`]: [["ws"], ["together", ...frames], ...(after ? [["send", after]] : [])],
  };
}
