// What the interop server answers, namespace by namespace. Its Go twin is ../server: a change here is a change there.

// What a handler does without an acknowledgement to answer: a client need not ask for one.
const nobody = () => {};

/** Splits an event's arguments into those of the client and the function that answers it. */
function split(args) {
  const answer = typeof args.at(-1) === "function" ? args.pop() : nobody;
  return [args, answer];
}

function acknowledge(...received) {
  const [args, answer] = split(received);
  answer(...args);
}

/** The handlers of `/` and `/chat`. */
export function serveEverywhere(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);

    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", acknowledge);
    socket.on("echo", (...args) => socket.emit("echo", ...args));
    socket.on("ack", acknowledge);
    socket.on("bin", (...args) => socket.emit("bin", ...args));
    socket.on("ask", () => {
      socket.emit("question", 42, (...answer) => socket.emit("answered", ...answer));
    });

    socket.on("join", async (room, done = nobody) => {
      await socket.join(room);
      done();
    });
    socket.on("leave", async (room, done = nobody) => {
      await socket.leave(room);
      done();
    });
    socket.on("room", (room, ...args) => namespace.to(room).emit("room", ...args));
    socket.on("broadcast", (...args) => namespace.emit("broadcast", ...args));
    socket.on("volatile", (count, data) => {
      for (let i = 0; i < count; i++) {
        socket.volatile.emit("volatile", i, data);
      }
    });

    socket.on("whoami", (done = nobody) => {
      done({
        id: socket.id,
        namespace: namespace.name,
        rooms: [...socket.rooms],
        transport: socket.conn.transport.name,
        auth: socket.handshake.auth,
      });
    });

    socket.on("bye", () => socket.disconnect());
    socket.on("close", () => socket.disconnect(true));
  });
}

/** `/custom` only says who came. */
export function serveCustom(namespace) {
  namespace.on("connection", (socket) => socket.emit("auth", socket.handshake.auth));
}

/** `/refused` lets nobody in who does not say `{"word": "please"}`, and tells them why. */
export function serveRefused(namespace) {
  namespace.use((socket, next) => {
    if (socket.handshake.auth.word === "please") {
      next();
      return;
    }
    const refusal = new Error("say the word");
    refusal.data = { code: 401, hint: ["p", "l", "e"] };
    next(refusal);
  });
}
