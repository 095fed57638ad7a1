import assert from "node:assert/strict";
import { test } from "../../lib/results.mjs";
import { covers } from "../../lib/covers.mjs";

/**
 * Four cases, of which the first has a number in the suite: the server pings, the client answers or is dropped. answered
 * is the engine that leaves time for the client's requests.
 */
export function declareHeartbeat(engine, answered, suite, first) {
  const id = (n) => `${suite}/${first + n}`;

  test("polling: pings and pongs take turns", async () => {
    covers(id(0));
    const session = await answered.poll();
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await session.receive(), ["2"]);
      await session.send("3");
    }
  });

  test("polling: without a pong the session ends", async () => {
    covers(id(1));
    const session = await answered.poll();
    assert.deepEqual(await session.receive(), ["2"]);
    // This one is parked when the deadline passes; how it ends is not the protocol's business.
    await session.get();
    await session.assertGone();
  });

  test("websocket: pings and pongs take turns", async (t) => {
    covers(id(2));
    const ws = await answered.websocket(t);
    for (let i = 0; i < 3; i++) {
      assert.equal(await ws.next(), "2");
      ws.send("3");
    }
  });

  test("websocket: without a pong the session ends", async (t) => {
    covers(id(3));
    const ws = await engine.websocket(t);
    await ws.closed;
  });
}
