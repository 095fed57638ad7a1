// The official clients of every generation, and the ways each of them can connect.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const polling = { name: "polling", options: { transports: ["polling"] } };
const websocket = { name: "websocket", options: { transports: ["websocket"] } };
const upgrade = { name: "polling, then the upgrade", options: {} };
const base64 = { name: "polling without binary", options: { transports: ["polling"], forceBase64: true } };

export const generations = [
  { name: "socket.io-client 1.7.4", io: require("socket.io-client-v1"), old: true, transports: [polling, base64, websocket, upgrade] },
  { name: "socket.io-client 2.5.0", io: require("socket.io-client-v2"), old: true, transports: [polling, base64, websocket, upgrade] },
  { name: "socket.io-client 3.1.3", io: require("socket.io-client-v3").io, old: false, transports: [polling, websocket, upgrade] },
  { name: "socket.io-client 4.8.4", io: require("socket.io-client").io, old: false, transports: [polling, websocket, upgrade] },
];
