import assert from "node:assert/strict";

/** Takes a session over polling through the whole upgrade and returns its WebSocket. */
export async function upgrade(t, session) {
  const ws = await session.candidate(t);
  ws.send("2probe");
  assert.equal(await ws.next(), "3probe");
  assert.deepEqual(await session.receive(), ["6"]);
  ws.send("5");
  return ws;
}

/** After an upgrade the session answers on its WebSocket only. */
export async function assertPollingIsOver(session) {
  assert.equal((await session.get()).status, 400);
}

/** A second WebSocket for a session that has one is closed, and does not disturb it. */
export async function assertSecondIsRefused(t, session) {
  const second = await session.candidate(t);
  await second.closed;
}
