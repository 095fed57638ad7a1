// What the answers of a session look like to HTTP: headers on every kind of answer.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { covers } from "../lib/covers.mjs";
import { Engine } from "../lib/engine.mjs";
import { get } from "../lib/http.mjs";
import { useServer } from "../lib/suite.mjs";

const server = useServer();

for (const path of ["/engine.io/", "/socket.io/"]) {
  const engine = new Engine(server, path);

  describe(path, () => {
    test("the answer to a handshake", async () => {
      covers("easy/15");
      const session = await engine.poll();
      const { headers } = session;
      assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["content-length"], String(1 + JSON.stringify(session.handshake).length));
      assert.equal(headers["set-cookie"], undefined);
      assert.equal(headers["access-control-allow-origin"], undefined);
    });

    test("the answer to a POST", async () => {
      covers("easy/15");
      const session = await engine.poll();
      const { status, headers, body } = await session.post("3");
      assert.equal(status, 200);
      assert.equal(body, "ok");
      assert.equal(headers["content-type"], "text/html");
      assert.equal(headers["content-length"], "2");
      assert.equal(headers["cache-control"], "no-store");
    });

    test("the answer to an upgrade request", async (t) => {
      const ws = await engine.websocket(t);
      assert.equal(ws.upgrade.statusCode, 101);
      assert.equal(ws.upgrade.headers["sec-websocket-extensions"], undefined);
      assert.equal(ws.upgrade.headers["set-cookie"], undefined);
    });

    test("old Internet Explorers are told to leave messages alone", async () => {
      const url = engine.url({ EIO: 4, transport: "polling" });
      for (const [agent, protection] of [
        ["Mozilla/4.0 (compatible;MSIE 8.0)", "0"],
        ["Mozilla/5.0 (Trident/7.0; rv:11.0)", "0"],
        ["Mozilla/5.0 (X11; Linux) Firefox/140", undefined],
      ]) {
        const { headers } = await get(url, { headers: { "user-agent": agent } });
        assert.equal(headers["x-xss-protection"], protection);
      }
    });
  });
}

test("the answer to a poll counts bytes", async () => {
  covers("easy/15");
  const session = await new Engine(server, "/engine.io/").poll();
  await session.send("4€");
  const { headers, body } = await session.get();
  assert.equal(body, "4€");
  assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
  assert.equal(headers["content-length"], "4");
  assert.equal(headers["cache-control"], "no-store");
});
