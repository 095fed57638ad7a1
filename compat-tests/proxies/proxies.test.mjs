// Pages in Chromium whose server is behind real proxies, as docs/proxies.md says: who may connect, and over what.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bundle } from "../browser/page.mjs";
import { startBrowser } from "../browser/visitor.mjs";
import { certify } from "../lib/certificate.mjs";
import { freePorts } from "../lib/ports.mjs";
import { startServer } from "../lib/server.mjs";
import { startHaproxy, startNginx, startVite } from "./proxy.mjs";

// Names that are no loopback names. Chromium resolves them to this machine.
const hosts = ["app.test", "evil.test"];
const transports = {
  "polling": ["polling"],
  "websocket": ["websocket"],
  "polling, then websocket": ["polling", "websocket"],
};

const port = {};
const ends = [];
let browser;
let server;

before(async () => {
  const names = ["recipe", "portless", "hidden", "tls", "named", "haproxy", "vite", "changed"];
  (await freePorts(names.length)).forEach((free, i) => (port[names[i]] = free));
  const trusting = await startServer(["-trust", "127.0.0.1"]);
  server = await startServer(["-eio3"]);
  ends.push(() => trusting.kill(), () => server.kill());
  const [, cert, , key] = certify().flags;
  const to = server.port;
  const forwarded = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
  const servers = [
    { port: port.recipe, to, settings: `proxy_set_header Host $http_host; ${forwarded}` },
    { port: port.portless, to, settings: `proxy_set_header Host $host; ${forwarded}` },
    { port: port.hidden, to, settings: "" },
    { port: port.tls, to, settings: "", tls: { cert, key } },
    { port: port.named, to: trusting.port, settings: "proxy_set_header X-Forwarded-Host $http_host;" },
  ];
  const starts = [
    startNginx(servers),
    startHaproxy({ port: port.haproxy, to }),
    startVite({ port: port.vite, to }),
    startVite({ port: port.changed, to, changeOrigin: true }),
  ];
  ends.push(...(await Promise.all(starts)));
  browser = await startBrowser({ hosts });
  ends.push(() => browser.close());
});
after(() => Promise.all(ends.map((end) => end())));

/** An empty page of an origin. */
async function open(t, origin) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  const empty = { contentType: "text/html", body: "<!doctype html><title>page</title>" };
  await page.route("**/page.html", (route) => route.fulfill(empty));
  await page.goto(`${origin}/page.html`);
  return page;
}

/** What a page of an origin gets from the server at a URL: the transport where it stays, or "refused". */
async function connect(t, origin, url, names) {
  const page = await open(t, origin);
  await page.addScriptTag({ content: bundle("socket.io-client") });
  return page.evaluate(([to, list]) => new Promise((resolve) => {
    const socket = window.io(to, { transports: list, reconnection: false });
    socket.on("connect_error", () => resolve("refused"));
    socket.on("disconnect", (reason) => resolve(`disconnected: ${reason}`));
    socket.on("connect", async () => {
      const { engine } = socket.io;
      const last = list.at(-1);
      if (engine.transport.name !== last) {
        const moved = await new Promise((done) => {
          engine.once("upgrade", () => done(true));
          engine.once("upgradeError", () => done(false));
        });
        if (!moved) {
          resolve("polling only");
          return;
        }
      }
      const answer = await socket.timeout(5_000).emitWithAck("message-with-ack", "hello").catch(() => []);
      resolve(answer.length === 0 ? "no answer" : engine.transport.name);
    });
  }), [url, names]);
}

/** Declares a test for each way to connect: what the page gets, or {transport: what} where that differs. */
function visits(name, at, expected, url = () => "") {
  describe(name, () => {
    for (const [way, names] of Object.entries(transports)) {
      test(way, { timeout: 30_000 }, async (t) => {
        const origin = at();
        const want = expected === "served" ? names.at(-1) : typeof expected === "string" ? expected : expected[way];
        assert.equal(await connect(t, origin, url() || origin, names), want);
      });
    }
  });
}

visits("nginx with the recipe", () => `http://app.test:${port.recipe}`, "served");
visits("nginx with the recipe, on localhost", () => `http://localhost:${port.recipe}`, "served");
visits("nginx that drops the port", () => `http://app.test:${port.portless}`, "refused");
visits("nginx that drops the port, on localhost", () => `http://localhost:${port.portless}`, "served");
visits("nginx with its default Host", () => `http://app.test:${port.hidden}`, "refused");
visits("nginx with its default Host, on localhost", () => `http://localhost:${port.hidden}`, "served");
visits("nginx with its default Host and TLS", () => `https://app.test:${port.tls}`, {
  "polling": "polling",
  "websocket": "refused",
  "polling, then websocket": "websocket",
});
visits("nginx that says X-Forwarded-Host and is trusted", () => `http://app.test:${port.named}`, "served");
visits("HAProxy", () => `http://app.test:${port.haproxy}`, "served");
visits("Vite with changeOrigin", () => `http://localhost:${port.changed}`, "served");
const vite = () => `http://localhost:${port.vite}`;
visits("Vite", vite, "served");
visits("a page of Vite that needs no proxy", vite, "served", () => `http://127.0.0.1:${server.port}`);

const foreign = () => `http://evil.test:${port.recipe}`;
visits("a foreign page, nginx", foreign, "refused", () => `http://app.test:${port.recipe}`);
visits("a foreign page, nginx with its default Host and TLS", foreign, "refused", () => `https://app.test:${port.tls}`);
visits("a foreign page, HAProxy", foreign, "refused", () => `http://app.test:${port.haproxy}`);
visits("a foreign page, on this machine", foreign, "refused", () => `http://localhost:${server.port}`);
visits("a page of this machine, elsewhere", vite, "refused", () => `http://app.test:${port.recipe}`);

describe("a script that polls", () => {
  const places = {
    "nginx": () => `http://app.test:${port.recipe}`,
    "nginx with TLS": () => `https://app.test:${port.tls}`,
    "no proxy": () => `http://127.0.0.1:${server.port}`,
  };
  for (const [name, place] of Object.entries(places)) {
    for (const policy of ["", "no-referrer"]) {
      test(`${name} ${policy}`, { timeout: 30_000 }, async (t) => {
        const load = async (origin) => {
          const page = await open(t, origin);
          return page.evaluate(([to, referrerPolicy]) => new Promise((resolve) => {
            const received = [];
            window.___eio = [(payload) => received.push(payload)];
            const script = document.createElement("script");
            script.referrerPolicy = referrerPolicy;
            script.src = `${to}/socket.io/?EIO=3&transport=polling&j=0`;
            script.onload = script.onerror = () => resolve(received.map((payload) => payload.includes('"sid"')));
            document.head.append(script);
          }), [place(), policy]);
        };
        assert.deepEqual(await load(place()), [true], "the server's own page");
        assert.deepEqual(await load(foreign()), [], "a foreign page");
      });
    }
  }
});

test("the log says what to change", () => {
  assert.match(server.log(), /WARN.*foreign origin.*app\.test.*proxy_set_header Host \$http_host/);
});
