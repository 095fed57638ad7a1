// What a redis-server is told, byte for byte.

import net from "node:net";
import { within } from "./deadline.mjs";

const escapes = { n: 10, r: 13, t: 9, a: 7, b: 8 };

/** The arguments of a line of MONITOR, as Buffers. */
function args(line) {
  return Array.from(line.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, text]) => {
    const bytes = [];
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== "\\") {
        bytes.push(text.charCodeAt(i));
      } else if (text[++i] === "x") {
        bytes.push(parseInt(text.slice(i + 1, i + 3), 16));
        i += 2;
      } else {
        bytes.push(escapes[text[i]] ?? text.charCodeAt(i));
      }
    }
    return Buffer.from(bytes);
  });
}

/** Watches a server: `commands` are those it has been told, lists of Buffers, once caughtUp has resolved. */
export async function monitor(instance) {
  const commands = [];
  const socket = net.connect(instance.port, "127.0.0.1");
  let rest = "";
  let wake = () => {};
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    const lines = (rest + text).split("\r\n");
    rest = lines.pop();
    commands.push(...lines.filter((line) => line.includes('"')).map(args));
    wake();
  });
  socket.write("MONITOR\r\n");
  await within(new Promise((resolve) => (wake = resolve, socket.once("data", resolve))), "MONITOR");
  return {
    commands,
    /** Resolves when what the server was told before has been seen. */
    async caughtUp() {
      const word = `mark-${commands.length}-${Math.random()}`;
      const seen = new Promise((resolve) => {
        wake = () => commands.some((command) => command[1]?.toString() === word) && resolve();
      });
      await instance.redis.echo(word);
      await within(seen, "the end of MONITOR's output");
    },
    close: () => socket.destroy(),
  };
}
