// Which paths belong to the engine.

import { ENGINE, SOCKETS, table } from "./table.mjs";

const query = "EIO=4&transport=polling";
const paths = [
  "/engine.io/",
  "/engine.io",
  "/engine.io/deeper/",
  "/engine.io/deeper/still",
  "/engine.io//",
  "/engine.iox/",
  "/ENGINE.IO/",
  "/%65ngine.io/",
  "/",
  "/elsewhere",
  "/socket.io/",
  "/socket.io",
  "/socket.io/deeper/",
  "/socket.io/socket.io.jsx",
  "/socket.io/socket.io.esm.js",
  "/socket.io/package.json",
];

export default table("routing", { at: ENGINE }, {
  ...Object.fromEntries(paths.map((path) => [`GET ${path}`, [["request", { path, query }]]])),
  ...Object.fromEntries(paths.slice(1, 4).map((path) => [`GET ${path} without a query`, [["request", { path }]]])),
  "an upgrade elsewhere is ended": [
    ["request", { path: "/elsewhere", headers: { Connection: "Upgrade", Upgrade: "websocket" } }],
    ["wait", 1_200],
  ],
  "POST elsewhere": [["request", { method: "POST", path: "/elsewhere", body: "x" }]],
  "both engines know only their own sessions": [
    ["open"],
    ["request", { path: SOCKETS, query, method: "GET" }],
    ["get"],
  ],
});
