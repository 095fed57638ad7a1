import assert from "node:assert/strict";
import { test } from "../lib/results.mjs";
import { once } from "../lib/deadline.mjs";
import { Engine } from "../lib/engine.mjs";
import { connectRaw } from "../lib/raw-client.mjs";
import { ask, open, record, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-eio3");
const engine = new Engine(server, "/socket.io/");

scenario("what the client sends as volatile arrives while the connection stands", { from: "3.0" }, async (t, way) => {
  const socket = await settled(t, server.url, way);
  const back = record(socket, "message-back");
  await ask(socket, "ack");
  // The answer may overtake the end of the request that asked, and until that the client drops what is volatile.
  const { transport: carrier } = socket.io.engine;
  if (!carrier.writable) {
    await once(carrier, "drain");
  }
  socket.volatile.emit("message", "volatile");
  assert.deepEqual(await back.next(), ["volatile"]);
});

scenario("what the client sends as volatile before the connection stands is dropped", { from: "3.0" }, async (t, way) => {
  const socket = open(t, server.url, way);
  const back = record(socket, "message-back");
  socket.volatile.emit("message", "volatile");
  socket.emit("message", "steady");
  assert.deepEqual(await back.next(), ["steady"]);
});

test("over polling a volatile event of the server passes only while a GET waits", async () => {
  const session = await engine.poll();
  await session.send("40");
  await session.take(2);

  await session.send('42["volatile",1,"dropped"]', '42["message","steady"]');
  assert.deepEqual(await session.receive(), ['42["message-back","steady"]']);

  const parked = await session.park();
  await session.send('42["volatile",1,"passes"]');
  const { body } = await parked.answer;
  assert.equal(body, '42["volatile",0,"passes"]');
});

test("over websocket volatile events are dropped for a client that does not read", async (t) => {
  const client = await connectRaw(t, engine);
  const data = "x".repeat(500_000);
  const count = 100;

  // 50 MB cannot fit between two sockets: some of it must find the connection not writable. The broadcast, which
  // the other client hears, tells that the server is through with it.
  const other = await connectRaw(t, engine);
  client.websocket.pause();
  client.send(`42["volatile",${count},"${data}"]`, '42["broadcast","steady"]');
  assert.equal(await other.next(), '42["broadcast","steady"]');

  client.websocket.resume();
  const passed = [];
  for (;;) {
    const frame = await client.next();
    if (frame === '42["broadcast","steady"]') {
      break;
    }
    const [, index, text] = JSON.parse(frame.slice(2));
    assert.equal(text, data);
    passed.push(index);
  }
  assert.ok(passed.length > 0 && passed.length < count, `${passed.length} of ${count} passed`);
  assert.deepEqual(passed, passed.toSorted((a, b) => a - b));
});
