// The connection to the server, and what the page shows of it.

/**
 * connect joins the namespace /demo. auth() is asked at every (re)connection, so that a page that comes back is in its rooms
 * before anything else happens. changed(state) is called with
 *   {name: "connecting" | "online" | "offline", transport, attempt, refused}
 */
export function connect({ path, auth, changed }) {
  const socket = window.io("/demo", { path, auth: (send) => send(auth()), reconnectionDelayMax: 4000, forceNew: true });
  const manager = socket.io;
  const state = { name: "connecting", transport: "", attempt: 0, refused: "" };
  const set = (changes) => {
    Object.assign(state, changes);
    changed(state);
  };

  socket.on("connect", () => {
    const engine = manager.engine;
    // A connection starts with long-polling and moves to WebSocket when that is found to work.
    if (engine.transport.name === "polling") engine.once("upgrade", () => set({ transport: engine.transport.name }));
    set({ name: "online", transport: engine.transport.name, attempt: 0, refused: "" });
  });
  socket.on("disconnect", (reason) => {
    // The client comes back by itself, except when the server put it out.
    const refused = reason === "io server disconnect" ? "The server ended the connection." : "";
    if (reason !== "io client disconnect") set({ name: "offline", transport: "", attempt: 0, refused });
  });
  socket.on("connect_error", (error) => {
    // socket.active is false when it was the server that said no, and not the network that failed.
    set({ name: "offline", transport: "", refused: socket.active ? "" : error.message });
  });
  manager.on("reconnect_attempt", (attempt) => set({ attempt }));

  changed(state);
  return { socket, state, retry: () => socket.disconnect().connect(), close: () => socket.disconnect() };
}
