// The servers that can be tested. Each is one process that takes the flags of ../server, prints "listening on URL" first,
// and has the handlers of ../server. A further one is a further entry.

import { join } from "node:path";

const here = join(import.meta.dirname, "..");

/**
 * title: what the matrix calls it. go: the Go command to build, {directory, package, env}; its binary is what is
 * started. command: what is started, where nothing is built. ours: ../../cmd/socketio is tested along, and compared
 * with the official packages. required: without it the matrix says nothing. patience: further options of run.mjs for the matrix. lacks: the clients that the
 * matrix leaves out.
 */
export const targets = {
  go: {
    title: "socketio (this repository)",
    go: { directory: here, package: "./server" },
    ours: true,
    required: true,
  },
  node: {
    title: "socket.io 4.8.4 (Node.js, the official server)",
    required: true,
    command: [process.execPath, join(here, "oracle", "server.mjs")],
  },
  peer: {
    title: "zishang520/socket.io v2.0.5 (Go)",
    // A module of its own outside of the workspace: its dependencies must not choose the versions of ours.
    go: { directory: join(here, "peer"), package: ".", env: { GOWORK: "off" } },
    patience: ["--patience", "2500", "--at-once", "4"], // much of it waits for what never comes
    lacks: ["4.8.4+msgpack"], // it has no such parser
  },
};
