// What joins servers to a cluster in tests: each connects, and what one sends as a line reaches all others as that line.

import net from "node:net";
import { createInterface } from "node:readline";

/** Starts a bus. `address` is where servers find it. */
export async function startBus() {
  const members = new Set();
  const server = net.createServer((socket) => {
    members.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => members.delete(socket));
    const lines = createInterface({ input: socket });
    lines.on("error", () => {}); // those of the socket once more
    lines.on("line", (line) => {
      for (const member of members) {
        if (member !== socket) {
          member.write(`${line}\n`);
        }
      }
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    address: `127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      members.forEach((member) => member.destroy());
    },
  };
}
