// The handlers that the benchmarks need.
export function handle(io) {
  io.on("connection", (socket) => {
    socket.on("echo", (p) => socket.emit("echo", p));
    socket.on("bin", (b) => socket.emit("bin", b));
    socket.on("ack", (p, answer) => answer(p));
    socket.on("broadcast", (...p) => io.emit("broadcast", ...p));
    socket.on("ask-all", (p, answer) => io.timeout(60_000).emit("ask", p, (error, answers) => answer(answers.length)));
    socket.on("join", (room, answer) => {
      socket.join(room);
      answer?.();
    });
    socket.on("room", (room, ...p) => io.to(room).emit("room", ...p));
  });
}
