// The official server on uWebSockets.js: node uws.mjs PORT

import { Server } from "socket.io";
import uws from "uwebsockets"; // uWebSockets.js, which npm has only under this name
import { handle } from "../node/handlers.mjs";

const app = uws.App();
const io = new Server({ serveClient: false });
io.attachApp(app);
handle(io);
app.listen("127.0.0.1", Number(process.argv[2]), (socket) => {
  if (!socket) process.exit(1);
});
