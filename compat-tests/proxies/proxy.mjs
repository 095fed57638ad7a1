// The proxies that the tests put in front of a server.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "vite";
import { Process } from "../lib/process.mjs";

/** Resolves when something listens on a port. */
async function listening(port, program) {
  const ended = program.exited.then(() => Promise.reject(new Error(`it ended: ${program.stdout}${program.stderr}`)));
  ended.catch(() => {});
  for (let connected = false; !connected; ) {
    connected = await Promise.race([ended, new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true) || socket.destroy());
      socket.once("error", () => setTimeout(resolve, 20, false));
    })]);
  }
}

async function start(program, args, name, text, port) {
  const directory = mkdtempSync(join(tmpdir(), "compat-tests-proxy-"));
  const file = join(directory, name);
  writeFileSync(file, text(directory));
  const child = new Process(program, args(file, directory));
  await listening(port, child);
  return async () => {
    await child.kill();
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Starts nginx with one server for each {port, to, settings, tls}; resolves with what ends it. With a list in `to`, each request goes to the next of these ports. */
export function startNginx(servers) {
  const upstream = ({ port, to }) => Array.isArray(to) ? `
    upstream upstream_${port} {
      ${to.map((to) => `server 127.0.0.1:${to};`).join(" ")}
    }` : "";
  // What stands here is also nginx's default Host.
  const target = ({ port, to }) => Array.isArray(to) ? `upstream_${port}` : `127.0.0.1:${to}`;
  const entry = ({ port, to, settings, tls }) => `
    server {
      listen 127.0.0.1:${port}${tls ? " ssl" : ""};
      ${tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};` : ""}
      location / {
        proxy_pass http://${target({ port, to })};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        ${settings}
      }
    }`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const text = (directory) => `
    daemon off;
    master_process off;
    pid ${directory}/pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n")}
      ${servers.map(upstream).join("\n")}
      ${servers.map(entry).join("\n")}
    }`;
  const args = (file, directory) => ["-e", "stderr", "-p", directory, "-c", file];
  return start("nginx", args, "nginx.conf", text, servers[0].port);
}

/** Starts HAProxy as docs/proxies.md has it; resolves with what ends it. */
export function startHaproxy({ port, to }) {
  const text = () => `
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h

frontend web
    bind 127.0.0.1:${port}
    option forwardfor
    default_backend socketio

backend socketio
    server s1 127.0.0.1:${to}
`;
  return start("haproxy", (file) => ["-db", "-q", "-f", file], "haproxy.cfg", text, port);
}

/** Starts Vite's dev server with a proxy to a server; resolves with what ends it. */
export async function startVite({ port, to, ...options }) {
  const root = mkdtempSync(join(tmpdir(), "compat-tests-vite-"));
  const server = await createServer({
    root,
    configFile: false,
    logLevel: "silent",
    server: {
      host: "localhost",
      port,
      strictPort: true,
      hmr: false,
      proxy: { "/socket.io": { target: `http://127.0.0.1:${to}`, ws: true, ...options } },
    },
  });
  await server.listen();
  return async () => {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  };
}
