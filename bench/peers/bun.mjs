// The official server on Bun, with the engine made for it: bun bun.mjs PORT

import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { handle } from "../node/handlers.mjs";

const io = new Server({ serveClient: false });
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
handle(io);
Bun.serve({ ...engine.handler(), hostname: "127.0.0.1", port: Number(process.argv[2]) });
