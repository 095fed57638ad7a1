// What a client may have its server do to the sockets of all servers. Its Go twin is ../server/commands.go.
//
// Each command says first how: {rooms, except: [ROOM...], volatile, local: true, compress: false,
// socket: true (what socket.to and socket.broadcast do), emitter: true (by a program that is no server)}.

/** Namespaces of a cluster, with names that are not like others. PostgreSQL has no channel for a long one. */
export function oddNamesOn(scheme) {
  return ["/odd#name", "/é€😀", "/star*", ...(scheme === "postgres" ? [] : [`/${"long".repeat(50)}`])];
}

const nobody = () => {};

/** Sockets, and how to send to them. */
function target(namespace, socket, emitter, how) {
  let chosen = how.emitter ? emitter : how.socket ? socket.broadcast : namespace;
  if (how.rooms?.length > 0) {
    chosen = chosen.to(how.rooms);
  }
  if (how.except) {
    chosen = chosen.except(how.except);
  }
  if (how.volatile) {
    chosen = chosen.volatile;
  }
  if (how.local) {
    chosen = chosen.local;
  }
  if (how.compress === false) {
    chosen = chosen.compress(false);
  }
  return chosen;
}

/** Values as a program of this language has them, which no client can send. */
function values(binary) {
  const all = [
    new Date(1_700_000_000_123),
    undefined,
    { gone: undefined, here: 1 },
    Number.NaN,
    2 ** 32,
    -129,
    Number.MAX_SAFE_INTEGER,
    2 ** 60,
    1.5,
    "é€😀\u2028\0",
    null,
    [[], {}],
  ];
  return binary ? [...all, Buffer.from([1, 2, 3]), new Uint8Array([4]), { deep: [Buffer.alloc(0)] }] : all;
}

export function serveCommands(namespace, emitter) {
  const history = new Map(); // what happened to a room, in order
  for (const verb of ["join", "leave"]) {
    namespace.adapter.on(`${verb}-room`, (room, id) => history.set(room, [...(history.get(room) ?? []), [verb, id]]));
  }
  namespace.on("connection", (socket) => {
    const to = (how) => target(namespace, socket, emitter, how);
    socket.on("say", (how, event, ...args) => to(how).emit(event, ...args));
    socket.on("say-values", (how, event, binary) => to(how).emit(event, ...values(binary)));
    socket.on("join-all", (how, rooms, done = nobody) => {
      to(how).socketsJoin(rooms);
      done();
    });
    socket.on("leave-all", (how, rooms, done = nobody) => {
      to(how).socketsLeave(rooms);
      done();
    });
    socket.on("disconnect-all", (how, close) => to(how).disconnectSockets(close));
    socket.on("tell", (how, ...args) => (how.emitter ? emitter : namespace).serverSideEmit("told", ...args));
    socket.on("history", (room, done) => done(history.get(room) ?? []));

    socket.on("keep", (value, done = nobody) => {
      socket.data.kept = value;
      done();
    });
    socket.on("keep-admin", (done = nobody) => {
      socket.data._admin = { clientId: socket.client.id.slice(0, 12), transport: socket.conn.transport.name };
      done();
    });
    socket.on("fetch", async (how, done) => {
      const found = await to(how).fetchSockets();
      done(found.map(({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, handshake })), null);
    });
    socket.on("call", (how, ms, event, ...args) => {
      const done = args.pop();
      to(how).timeout(ms).emit(event, ...args, (error, answers) => done(error ? error.message : null, answers));
    });
    socket.on("call-one", async (id, ms, event, ...args) => {
      const done = args.pop();
      const [one] = await namespace.in(id).fetchSockets();
      one.timeout(ms).emitWithAck(event, ...args).then((answer) => done(null, answer), (error) => done(error.message));
    });
  });
}
