// Scripts that define window.io for the chat page: clients of several generations, held to one transport.

import { bundle } from "./page.mjs";

/** The newest client, held to transports. */
export const newest = (...transports) => `${bundle("socket.io-client")};${hold(transports)}`;

/** The client 2.5.0, held to transports, with what the page needs of later ones. */
export const second = (...transports) => `${bundle("socket.io-client-v2")};(${modernise})();${hold(transports)}`;

function hold(transports) {
  return `{ const { io } = window; window.io = (name, options) => io(name, { ...options, transports: ${JSON.stringify(transports)} }); }`;
}

// Runs in the page. Socket.IO 2 has a query where later ones have auth, so the rooms are joined once the connection stands;
// timeout() and volatile came later, and so did socket.active.
function modernise() {
  const { io } = window;
  window.io = (name, { auth, ...options }) => {
    let own;
    auth((given) => (own = given));
    const socket = io(name, { ...options, query: { nick: own.nick } });
    socket.on("connect", () => auth(({ rooms }) => rooms.forEach((room) => socket.emit("join", room))));
    socket.active = true;
    socket.volatile = { emit: (...args) => socket.connected && socket.emit(...args) };
    socket.timeout = (ms) => ({
      emit(...args) {
        const answer = args.pop();
        let isOver = false;
        const over = (...result) => {
          if (!isOver) {
            isOver = true;
            answer(...result);
          }
        };
        setTimeout(over, ms, new Error("operation has timed out"));
        // The later clients give up what waits for an answer when the connection breaks.
        socket.once("disconnect", () => over(new Error("socket has been disconnected")));
        socket.emit(...args, (...result) => over(null, ...result));
      },
    });
    return socket;
  };
}
