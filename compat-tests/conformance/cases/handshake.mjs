import assert from "node:assert/strict";
import { test } from "../../lib/results.mjs";
import { covers } from "../../lib/covers.mjs";
import { get, send } from "../../lib/http.mjs";

const keys = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

function assertHandshake(handshake, upgrades) {
  assert.deepEqual(Object.keys(handshake).toSorted(), keys);
  assert.equal(typeof handshake.sid, "string");
  assert.notEqual(handshake.sid, "");
  assert.deepEqual(handshake.upgrades, upgrades);
  assert.equal(handshake.pingInterval, 300);
  assert.equal(handshake.pingTimeout, 200);
  assert.equal(handshake.maxPayload, 1_000_000);
}

/** Seven cases, of which the first has a number in the suite: how a session is opened, and how it is refused. */
export function declareHandshake(engine, suite, first) {
  const id = (n) => `${suite}/${first + n}`;

  test("polling: a session is opened", async () => {
    covers(id(0));
    const { status, body } = await get(engine.url({ EIO: 4, transport: "polling" }));
    assert.equal(status, 200);
    assert.equal(body[0], "0");
    assertHandshake(JSON.parse(body.slice(1)), ["websocket"]);
  });

  test("polling: no session without the protocol's version", async () => {
    covers(id(1));
    for (const query of [{}, { EIO: "abc" }]) {
      assert.equal((await get(engine.url({ transport: "polling", ...query }))).status, 400);
    }
  });

  test("polling: no session without a known transport", async () => {
    covers(id(2));
    for (const query of [{}, { transport: "abc" }]) {
      assert.equal((await get(engine.url({ EIO: 4, ...query }))).status, 400);
    }
  });

  test("polling: a session is opened by GET only", async () => {
    covers(id(3));
    for (const method of ["POST", "PUT"]) {
      assert.equal((await send(method, engine.url({ EIO: 4, transport: "polling" }))).status, 400);
    }
  });

  test("websocket: a session is opened", async (t) => {
    covers(id(4));
    const ws = await engine.websocket(t);
    assertHandshake(ws.handshake, []);
  });

  test("websocket: no session without the protocol's version", async (t) => {
    covers(id(5));
    for (const query of [{}, { EIO: "abc" }]) {
      await engine.dial(t, { transport: "websocket", ...query }).closed;
    }
  });

  test("websocket: no session without a known transport", async (t) => {
    covers(id(6));
    for (const query of [{}, { transport: "abc" }]) {
      await engine.dial(t, { EIO: 4, ...query }).closed;
    }
  });
}
