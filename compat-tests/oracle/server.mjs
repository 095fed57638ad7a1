// The interop server on the official Node.js implementation: the oracle that every scenario is held against before it
// judges our own server. It takes the command line of ../server and answers as ../server does.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { instrument } from "@socket.io/admin-ui";
import { Server as Engine } from "engine.io";
import { Server } from "socket.io";
import { busAdapter } from "./bus.mjs";
import { joinCluster } from "./cluster.mjs";
import { oddNamesOn, serveCommands } from "./commands.mjs";
import { parseFlags } from "./flags.mjs";
import { serveDynamic, serveEverywhere, serveCustom, serveRefused } from "./handlers.mjs";

let flags;
try {
  flags = parseFlags(process.argv.slice(2), {
    addr: "127.0.0.1:0",
    "ping-interval": 25_000,
    "ping-timeout": 20_000,
    "connect-timeout": 45_000,
    "max-payload": 1_000_000,
    "body-timeout": 30_000,
    path: "/socket.io/",
    cors: "",
    cookie: false,
    eio3: false,
    bus: "",
    cluster: "",
    "cluster-client": "ioredis",
    admin: "", // development or production: what the admin UI may show
    recovery: false,
    "recovery-duration": 120_000,
    "recovery-run-middlewares": false,
    parser: "",
    deflate: false,
  });
} catch (error) {
  console.error(`oracle: ${error.message}`);
  process.exit(2);
}

const engineOptions = {
  pingInterval: flags["ping-interval"],
  pingTimeout: flags["ping-timeout"],
  maxHttpBufferSize: flags["max-payload"],
  httpRequestBodyTimeout: flags["body-timeout"],
  allowEIO3: flags.eio3,
  perMessageDeflate: flags.deflate,
  cookie: flags.cookie,
};
if (flags.cors) {
  engineOptions.cors = { origin: flags.cors === "*" ? "*" : flags.cors.split(",") };
}
if (flags.admin) {
  engineOptions.cors = { origin: /^http:\/\/127\.0\.0\.1:/, credentials: true }; // the page is of another server
}

const recovery = {
  maxDisconnectionDuration: flags["recovery-duration"],
  skipMiddlewares: !flags["recovery-run-middlewares"],
};

const cluster = flags.cluster ? await joinCluster(flags.cluster, flags["cluster-client"]) : {};

const http = createServer((request, response) => response.writeHead(404).end());

const io = new Server(http, {
  ...engineOptions,
  path: flags.path,
  connectTimeout: flags["connect-timeout"],
  ...(flags.parser ? { parser: createRequire(import.meta.url)(`socket.io-${flags.parser}-parser`) } : {}),
  ...(flags.bus ? { adapter: busAdapter(flags.bus) } : {}),
  ...(flags.cluster ? { adapter: cluster.adapter } : {}),
  ...(flags.recovery ? { connectionStateRecovery: recovery } : {}),
});
serveEverywhere(io.of("/"));
serveEverywhere(io.of("/chat"));
if (flags.cluster || flags.bus) {
  const oddNames = oddNamesOn(flags.cluster.split(":")[0]);
  oddNames.forEach((name) => serveEverywhere(io.of(name)));
  for (const name of ["/", "/chat", ...oddNames]) {
    serveCommands(io.of(name), cluster.emitter?.(name));
  }
}
serveCustom(io.of("/custom"));
serveRefused(io.of("/refused"));
serveDynamic(io.of(/^\/dynamic-\d+$/));

if (flags.admin) {
  instrument(io, { auth: false, mode: flags.admin });
}

const engine = new Engine(engineOptions);
engine.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
engine.attach(http, { path: "/engine.io/" });

process.once("SIGTERM", () => {
  engine.close();
  io.close(() => process.exit(0));
});

const [, host, port] = /^(.*):(\d+)$/.exec(flags.addr);
http.once("error", (error) => {
  console.error(`oracle: ${error.message}`);
  process.exit(1);
});
http.listen(Number(port), host, () => {
  console.log(`listening on http://${host}:${http.address().port}`);
});
