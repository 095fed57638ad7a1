// Requests that are refused before a session has anything to do with them: the answers, and which check comes first.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { covers } from "../lib/covers.mjs";
import { Engine } from "../lib/engine.mjs";
import { get, send } from "../lib/http.mjs";
import { exchange } from "../lib/tcp.mjs";
import { useServer } from "../lib/suite.mjs";

const server = useServer();

const refusals = [
  { code: 0, message: "Transport unknown" },
  { code: 1, message: "Session ID unknown" },
  { code: 2, message: "Bad handshake method" },
  { code: 3, message: "Bad request" },
  { code: 4, message: "Forbidden" },
  { code: 5, message: "Unsupported protocol version" },
];

/** Method, query as it is in the URL, code of the refusal. */
const requests = [
  ["GET", "", 0],
  ["GET", "EIO=4", 0],
  ["GET", "EIO=4&transport=", 0],
  ["GET", "EIO=4&transport=abc", 0],
  ["GET", "EIO=4&transport=Polling", 0],
  ["GET", "EIO=4&transport=poll+ing", 0],
  ["GET", "EIO=4&transport=constructor", 0],
  ["GET", "EIO=4&transport=__proto__", 0],
  ["GET", "EIO=4&transport=webtransport", 0],
  ["GET", "EIO=4&transport=polling&transport=abc", 0],
  ["POST", "EIO=4&transport=abc&sid=abc", 0],

  ["GET", "EIO=4&transport=polling&sid=abc", 1],
  ["GET", "EIO=4&transport=polling&sid=__proto__", 1],
  ["GET", "EIO=4&transport=polling&sid=constructor", 1],
  ["GET", "EIO=4&transport=websocket&sid=abc", 1],
  ["GET", "EIO=3&transport=polling&sid=abc", 1],
  ["GET", `EIO=4&transport=polling&sid=${"x".repeat(5_000)}`, 1],
  ["POST", "EIO=4&transport=polling&sid=abc", 1],
  ["PUT", "EIO=4&transport=polling&sid=abc", 1],

  ["POST", "EIO=4&transport=polling", 2],
  ["POST", "EIO=4&transport=polling&sid=", 2],
  ["POST", "EIO=3&transport=polling", 2],
  ["POST", "EIO=4&transport=websocket", 2],
  ["PUT", "EIO=4&transport=polling", 2],
  ["DELETE", "EIO=4&transport=polling", 2],
  ["OPTIONS", "EIO=4&transport=polling", 2],

  ["GET", "EIO=4&transport=websocket", 3],
  ["GET", "EIO=3&transport=websocket", 3],

  ["GET", "transport=polling", 5],
  ["GET", "EIO=3&transport=polling", 5],
  ["GET", "EIO=04&transport=polling", 5],
  ["GET", "EIO=4.0&transport=polling", 5],
  ["GET", "EIO=5&transport=polling", 5],
  ["GET", "EIO=abc&transport=polling", 5],
  ["GET", "EIO=4&EIO=3&transport=polling", 5],
];

for (const path of ["/engine.io/", "/socket.io/"]) {
  describe(`refused at ${path}`, () => {
    for (const [method, query, code] of requests) {
      test(`${method} ?${query.slice(0, 60)}`, async () => {
        const { status, headers, body } = await send(method, `${server.url}${path}?${query}`);
        assert.equal(status, 400);
        assert.equal(headers["content-type"], "application/json");
        assert.equal(body, JSON.stringify(refusals[code]));
        assert.equal(headers["set-cookie"], undefined);
      });
    }

    test("HEAD ?EIO=4&transport=polling", async () => {
      const { status, body } = await send("HEAD", `${server.url}${path}?EIO=4&transport=polling`);
      assert.equal(status, 400);
      assert.equal(body, "");
    });
  });
}

describe("taken although odd", () => {
  for (const [what, rest] of [
    ["an empty session id", "?EIO=4&transport=polling&sid="],
    ["escaped letters", "?%45IO=%34&transport=%70oll%69ng"],
    ["the last of several values", "?EIO=3&transport=abc&EIO=4&transport=polling"],
    ["a longer path", "some/where/?EIO=4&transport=polling"],
    ["parameters that mean nothing", "?a=b&EIO=4&&=&transport=polling&t=x%ff&%zz"],
  ]) {
    test(what, async () => {
      what === "a longer path" && covers("easy/6");
      const { status, body } = await get(`${server.url}/engine.io/${rest}`);
      assert.equal(status, 200);
      assert.equal(body[0], "0");
    });
  }
});

describe("websocket handshakes", () => {
  const engine = new Engine(server, "/engine.io/");

  for (const [what, query, code] of [
    ["without a transport", { EIO: 4 }, 0],
    ["for an unknown transport", { EIO: 4, transport: "abc" }, 0],
    ["for an unknown session", { EIO: 4, transport: "websocket", sid: "abc" }, 1],
    ["for a session named like a property of every object", { EIO: 4, transport: "websocket", sid: "__proto__" }, 1],
  ]) {
    test(`${what} are answered before the upgrade`, async (t) => {
      const ws = engine.dial(t, query);
      await assert.rejects(ws.opened, (error) => {
        assert.equal(error.status, 400);
        assert.equal(error.headers.connection, "close");
        assert.equal(error.headers["content-type"], "text/html");
        assert.equal(error.body, refusals[code].message);
        return true;
      });
    });
  }

  test("for polling are closed", async (t) => {
    const ws = engine.dial(t, { EIO: 4, transport: "polling" });
    await ws.closed;
  });

  for (const [what, status, change] of [
    ["without a key", 400, (head) => head.replace(/Sec-WebSocket-Key.*\r\n/, "")],
    ["with a key of the wrong length", 400, (head) => head.replace(/(Sec-WebSocket-Key: ).*/, "$1abc")],
    ["of an unknown version", 400, (head) => head.replace("Version: 13", "Version: 12")],
    ["to another protocol than websocket", 400, (head) => head.replace("Upgrade: websocket", "Upgrade: abc")],
  ]) {
    test(`${what} are refused`, async () => {
      const head = [
        "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "\r\n",
      ].join("\r\n");
      assert.match(await exchange(server, change(head)), new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }

  test("the server still takes a good one", async (t) => {
    const ws = await engine.websocket(t);
    ws.send("4fine");
    assert.equal(await ws.next(), "4fine");
  });
});

test("an origin with a control character is refused", async () => {
  const request = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://\x01\r\n\r\n";
  assert.match(await exchange(server, request), /^HTTP\/1\.1 400 /);
});
