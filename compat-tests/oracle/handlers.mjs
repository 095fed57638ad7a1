// What the interop server answers, namespace by namespace. Its Go twin is ../server: a change here is a change there.

import { setTimeout } from "node:timers/promises";

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
  answerServers(namespace);
  const reasons = new Map();
  namespace.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    serveLarge(namespace, socket);

    let before = Promise.resolve();
    socket.on("slowly", (ms, data, answer) => {
      before = before.then(() => setTimeout(ms)).then(() => answer(data.length)); // one after the other
    });
    socket.on("message", pass(socket, "message-back"));
    socket.on("message-with-ack", acknowledge);
    socket.on("echo", pass(socket, "echo"));
    socket.on("ack", acknowledge);
    socket.on("noted", pass(socket, "noted"));
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
    serveCrowd(namespace, socket, reasons);

    socket.on("whoami", whoami(socket));

    socket.on("bye", () => socket.disconnect());
    socket.on("close", () => socket.disconnect(true));
  });
}

/** Events as large as a client wants them, from the start if the query says so. Sizes are in MB. */
function serveLarge(namespace, socket) {
  const values = (size, binary) => {
    const data = Buffer.alloc(size * 1_000_000, 120);
    return binary ? [{ first: data, second: [Buffer.from("end"), data.subarray(0, 1_000_000)] }] : [data.toString("latin1"), "end"];
  };
  const target = { me: socket, all: namespace };
  socket.on("large", (to, sizes, binary) => sizes.forEach((size) => target[to].emit("large", ...values(size, binary))));
  socket.on("large-ack", (size, binary, answer) => answer(...values(size, binary)));
  const { large } = socket.handshake.query;
  if (large) {
    target.me.emit("large", ...values(Number(large), false));
    target.me.emit("large", ...values(Number(large), true));
  }
}

/** How the server sees a socket. */
function whoami(socket) {
  return (done = nobody) => {
    done({
      id: socket.id,
      namespace: socket.nsp.name,
      rooms: [...socket.rooms],
      transport: socket.conn.transport.name,
      auth: socket.handshake.auth,
    });
  };
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

/** What concerns the other servers of a cluster. */
function serveServers(namespace, socket) {
  socket.on("find", async (room, done = nobody) => {
    const found = await namespace.in(room).fetchSockets();
    done(found.map(({ id, rooms, handshake, data }) => ({ id, rooms: [...rooms], auth: handshake.auth, remembered: data.remembered ?? "" })));
  });
  socket.on("tell-servers", (...args) => namespace.serverSideEmit("told", ...args));
  socket.on("ask-servers", async (value, done = nobody) => done(await namespace.serverSideEmitWithAck("asked", value)));
  socket.on("servers", async (done = nobody) => done(1 + (await namespace.serverSideEmitWithAck("asked")).length));
}

/** Answers the other servers. */
function answerServers(namespace) {
  namespace.on("told", (...args) => namespace.local.emit("told", ...args));
  namespace.on("asked", (...received) => {
    const [args, answer] = split(received);
    answer(args);
  });
}

/** What a client may do to the other sockets of the namespace, and learn about them. */
function serveCrowd(namespace, socket, reasons) {
  serveServers(namespace, socket);
  socket.on("algebra", (to, except, arg) => namespace.to(to).except(except).emit("room", arg));
  socket.on("others", (to, except, arg) => {
    (to.length > 0 ? socket.to(to) : socket.broadcast).except(except).emit("room", arg);
  });
  socket.on("members", async (room, done = nobody) => done((await namespace.in(room).fetchSockets()).map(({ id }) => id)));
  socket.on("gather", (from, to, done = nobody) => {
    namespace.in(from).socketsJoin(to);
    done();
  });
  socket.on("scatter", (from, to, done = nobody) => {
    namespace.in(from).socketsLeave(to);
    done();
  });
  socket.on("kick", (room, closing) => namespace.in(room).disconnectSockets(closing));

  socket.on("poll", (room, ms, question, done = nobody) => {
    namespace.in(room).timeout(ms).emit("vote", question, (error, answers) => done(error ? error.message : null, answers));
  });
  socket.on("ask-within", (ms) => {
    socket.timeout(ms).emit("question", 42, (error, ...answer) => {
      socket.emit("answered", error ? error.message : null, ...answer);
    });
  });

  socket.on("disconnect", (reason) => reasons.set(socket.id, reason));
  socket.on("reason", (id, done = nobody) => done(reasons.get(id) ?? null));
}

/** The namespaces that clients make up. */
export function serveDynamic(parent) {
  parent.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    socket.on("ack", acknowledge);
    socket.on("whoami", whoami(socket));
    socket.on("broadcast", pass(socket.nsp, "broadcast"));
  });
}
