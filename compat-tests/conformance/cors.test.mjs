// What pages of other origins are told, on every kind of answer.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { Engine } from "../lib/engine.mjs";
import { get, post, send } from "../lib/http.mjs";
import { target } from "../lib/server.mjs";
import { useServer } from "../lib/suite.mjs";

const here = "https://app.example.com";
const also = "https://other.example.com";
const stranger = "https://evil.example.net";

function preflight(url, origin) {
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-one,x-two",
  };
  return send("OPTIONS", url, { headers });
}

describe("with some origins", () => {
  const engine = new Engine(useServer("-cors", `${here},${also}`), "/engine.io/");
  const handshake = () => engine.url({ EIO: 4, transport: "polling" });

  test("a preflight request is answered", async () => {
    const { status, headers, body } = await preflight(handshake(), here);
    assert.equal(status, 204);
    assert.equal(body, "");
    // The official server says "0", which RFC 9110, section 8.6, forbids; Go's net/http says nothing.
    assert.ok([undefined, "0"].includes(headers["content-length"]));
    assert.equal(headers["access-control-allow-origin"], here);
    assert.equal(headers["access-control-allow-methods"], "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert.equal(headers["access-control-allow-headers"], "x-one,x-two");
    assert.match(headers.vary, /\bOrigin\b/);
    assert.match(headers.vary, /\bAccess-Control-Request-Headers\b/);
    assert.equal(headers["access-control-allow-credentials"], undefined);
  });

  test("each origin is told that it is allowed, on answers of all kinds", async (t) => {
    for (const origin of [here, also]) {
      const options = { headers: { origin } };
      const opened = await get(handshake(), options);
      assert.equal(opened.status, 200);
      const { sid } = JSON.parse(opened.body.slice(1));
      const url = engine.url({ EIO: 4, transport: "polling", sid });
      const posted = await post(url, "4hello", options);
      const polled = await get(url, options);
      const failed = await get(engine.url({ EIO: 4, transport: "polling", sid: "abc" }), options);
      assert.deepEqual([posted.status, polled.status, failed.status], [200, 200, 400]);
      const ws = await engine.websocket(t, options);
      for (const headers of [opened.headers, posted.headers, polled.headers, failed.headers, ws.upgrade.headers]) {
        assert.equal(headers["access-control-allow-origin"], origin);
        assert.match(headers.vary, /\bOrigin\b/);
      }
    }
  });

  test("a preflight request of another origin is allowed nothing", async () => {
    const { headers } = await preflight(handshake(), stranger);
    assert.equal(headers["access-control-allow-origin"], undefined);
  });

  test("other origins are refused", { skip: target === "node" && "served there, without the header" }, async (t) => {
    const options = { headers: { origin: stranger } };
    const { status, headers } = await get(handshake(), options);
    assert.ok(status >= 400 && status < 500, `answered ${status}`);
    assert.equal(headers["access-control-allow-origin"], undefined);
    const ws = engine.dial(t, { EIO: 4, transport: "websocket" }, options);
    await assert.rejects(ws.opened, (error) => error.status >= 400 && error.status < 500);
  });
});

describe("with every origin", () => {
  const engine = new Engine(useServer("-cors", "*"), "/engine.io/");

  test("all are allowed", async (t) => {
    const url = engine.url({ EIO: 4, transport: "polling" });
    const options = { headers: { origin: stranger } };
    const { status, headers } = await get(url, options);
    assert.equal(status, 200);
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.equal((await preflight(url, stranger)).headers["access-control-allow-origin"], "*");
    assert.equal((await engine.websocket(t, options)).upgrade.headers["access-control-allow-origin"], "*");
  });
});

describe("without any", () => {
  const server = useServer();
  const engine = new Engine(server, "/engine.io/");

  test("a preflight request is a bad handshake", async () => {
    const { status, headers, body } = await send("OPTIONS", engine.url({ EIO: 4, transport: "polling" }));
    assert.equal(status, 400);
    assert.equal(body, '{"code":2,"message":"Bad handshake method"}');
    assert.equal(headers["access-control-allow-origin"], undefined);
  });

  test("the server's own origin is served", async (t) => {
    const options = { headers: { origin: server.url } };
    assert.equal((await get(engine.url({ EIO: 4, transport: "polling" }), options)).status, 200);
    await engine.websocket(t, options);
  });

  test("other origins are refused", { skip: target === "node" && "served there" }, async (t) => {
    const options = { headers: { origin: stranger } };
    const { status } = await get(engine.url({ EIO: 4, transport: "polling" }), options);
    assert.ok(status >= 400 && status < 500, `answered ${status}`);
    const ws = engine.dial(t, { EIO: 4, transport: "websocket" }, options);
    await assert.rejects(ws.opened, (error) => error.status >= 400 && error.status < 500);
  });
});
