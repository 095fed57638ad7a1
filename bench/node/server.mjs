// The official server with the handlers that the benchmarks need: node server.mjs --port=3000 [--recovery]

import { createServer } from "node:http";
import { Server } from "socket.io";

const option = (name) => process.argv.find((a) => a.startsWith(`--${name}`))?.split("=")[1] ?? "";
const http = createServer();
const io = new Server(http, {
  serveClient: false,
  ...(process.argv.includes("--recovery") && { connectionStateRecovery: {} }),
});
io.on("connection", (socket) => {
  socket.on("echo", (p) => socket.emit("echo", p));
  socket.on("bin", (b) => socket.emit("bin", b));
  socket.on("ack", (p, answer) => answer(p));
  socket.on("broadcast", (...p) => io.emit("broadcast", ...p));
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer?.();
  });
  socket.on("room", (room, ...p) => io.to(room).emit("room", ...p));
});
http.listen(Number(option("port") || 3000), "127.0.0.1");
