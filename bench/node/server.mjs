// The official server with the handlers that the benchmarks need: node server.mjs --port=3000 [--recovery] [--cert=FILE --key=FILE]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Server } from "socket.io";
import { handle } from "./handlers.mjs";

const option = (name) => process.argv.find((a) => a.startsWith(`--${name}`))?.split("=")[1] ?? "";
const http = option("cert")
  ? createSecureServer({ cert: readFileSync(option("cert")), key: readFileSync(option("key")) })
  : createServer();
const io = new Server(http, {
  serveClient: false,
  perMessageDeflate: true, // for clients that offer it
  ...(process.argv.includes("--recovery") && { connectionStateRecovery: {} }),
});
handle(io);
http.listen(Number(option("port") || 3000), "127.0.0.1");
