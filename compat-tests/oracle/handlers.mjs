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

/** Sends to target, under a name, what a client sent, without the function that would answer it. */
function pass(target, name) {
  return (...received) => target.emit(name, ...split(received)[0]);
}

/** The handlers of `/` and `/chat`. */
export function serveEverywhere(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);

    socket.on("message", pass(socket, "message-back"));
    socket.on("message-with-ack", acknowledge);
    socket.on("echo", pass(socket, "echo"));
    socket.on("ack", acknowledge);
    socket.on("bin", pass(socket, "bin"));
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
    socket.on("room", (room, ...args) => pass(namespace.to(room), "room")(...args));
    socket.on("broadcast", pass(namespace, "broadcast"));
    socket.on("volatile", (count, data) => {
      for (let i = 0; i < count; i++) {
        socket.volatile.emit("volatile", i, data);
      }
    });

    serveState(namespace, socket);

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

/** What is there to see whether a socket was recovered. */
function serveState(namespace, socket) {
  socket.on("remember", (value, done = nobody) => {
    socket.data.remembered = value;
    done();
  });
  socket.on("state", (done = nobody) => {
    done({ recovered: socket.recovered, remembered: socket.data.remembered ?? null, rooms: [...socket.rooms] });
  });
  socket.on("present", (id, done = nobody) => done(namespace.sockets.has(id)));
  socket.on("direct", (id, ...args) => pass(namespace.to(id), "direct")(...args));
  socket.on("loosely", pass(namespace.volatile, "loosely"));
}

/** `/custom` only says who came. */
export function serveCustom(namespace) {
  namespace.on("connection", (socket) => socket.emit("auth", socket.handshake.auth));
}

/** `/refused` lets nobody in who does not say `{"word": "please"}`, and tells them why. It sends nothing unasked. */
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
  namespace.on("connection", (socket) => serveState(namespace, socket));
}
