// The official server with the handlers that the benchmarks need: node server.mjs --port=3000 [--recovery]

import { createServer } from "node:http";
import { Server } from "socket.io";
import { handle } from "./handlers.mjs";

const option = (name) => process.argv.find((a) => a.startsWith(`--${name}`))?.split("=")[1] ?? "";
const http = createServer();
const io = new Server(http, {
  serveClient: false,
  ...(process.argv.includes("--recovery") && { connectionStateRecovery: {} }),
});
handle(io);
http.listen(Number(option("port") || 3000), "127.0.0.1");
