import assert from "node:assert/strict";
import { test } from "../../lib/results.mjs";
import { covers } from "../../lib/covers.mjs";

/**
 * Two cases, of which the first has a number in the suite: the client closes its session. quick is the engine with a short
 * heartbeat: the official server passes over a close packet from a WebSocket, and ends the session when a pong is missing.
 */
export function declareClosing(engine, quick, suite, first) {
  const id = (n) => `${suite}/${first + n}`;

  test("polling: a close packet releases the waiting GET and ends the session", async () => {
    covers(id(0));
    const session = await engine.poll();
    const parked = await session.park();
    await session.send("1");
    const { status, body } = await parked.answer;
    assert.deepEqual({ status, body }, { status: 200, body: "6" });
    assert.equal((await session.get()).status, 400);
  });

  test("websocket: a close packet ends the connection", async (t) => {
    covers(id(1));
    const ws = await quick.websocket(t);
    ws.send("1");
    await ws.closed;
  });
}
