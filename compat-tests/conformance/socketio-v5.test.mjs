// The conformance suite of the Socket.IO protocol, revision 5: 32 cases.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectRaw, dialRaw } from "../lib/raw-client.mjs";
import { useEngine } from "./cases/server.mjs";
import { declareHandshake } from "./cases/handshake.mjs";
import { declareHeartbeat } from "./cases/heartbeat.mjs";
import { declareClosing } from "./cases/closing.mjs";
import { assertPollingIsOver, assertSecondIsRefused, upgrade } from "./cases/upgrade.mjs";

const engine = useEngine("/socket.io/");

describe("Engine.IO below", () => {
  describe("handshake", () => declareHandshake(engine));
  describe("heartbeat", () => declareHeartbeat(engine));
  describe("closing", () => declareClosing(engine));

  describe("upgrade", () => {
    test("from polling to websocket", async (t) => {
      const session = await engine.poll();
      const ws = await session.candidate(t);
      ws.send("2probe");
      assert.equal(await ws.next(), "3probe");
    });

    test("after it the session does not answer polling requests", async (t) => {
      const session = await engine.poll();
      const ws = await upgrade(t, session);
      // Taken in turn with the upgrade packet, so what follows finds the upgrade done.
      ws.send("40");
      assert.match(await ws.next(), /^40/);
      await assertPollingIsOver(session);
    });

    test("after it no second websocket is taken", async (t) => {
      const session = await engine.poll();
      const ws = await upgrade(t, session);
      await assertSecondIsRefused(t, session);
      ws.send("40");
      assert.match(await ws.next(), /^40/);
    });
  });
});

describe("joining a namespace", () => {
  test("the root", async (t) => {
    const client = await dialRaw(t, engine);
    client.send("40");
    const joined = await client.next();
    assert.match(joined, /^40\{/);
    assert.deepEqual(Object.keys(JSON.parse(joined.slice(2))), ["sid"]);
    assert.equal(await client.next(), '42["auth",{}]');
  });

  test("the root, with credentials", async (t) => {
    const client = await dialRaw(t, engine);
    client.send('40{"token":"123"}');
    assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42["auth",{"token":"123"}]');
  });

  test("another namespace", async (t) => {
    const client = await dialRaw(t, engine);
    client.send("40/custom,");
    assert.match(await client.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42/custom,["auth",{}]');
  });

  test("another namespace, with credentials", async (t) => {
    const client = await dialRaw(t, engine);
    client.send('40/custom,{"token":"abc"}');
    assert.match(await client.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42/custom,["auth",{"token":"abc"}]');
  });

  test("a namespace that does not exist", async (t) => {
    const client = await dialRaw(t, engine);
    client.send("40/random");
    assert.equal(await client.next(), '44/random,{"message":"Invalid namespace"}');
  });

  test("an undecodable first packet ends the connection", async (t) => {
    const client = await dialRaw(t, engine);
    client.send("4abc");
    await client.closed;
  });

  test("a client that joins nothing is sent away", async (t) => {
    const client = await dialRaw(t, engine);
    // The helper answers pings, so only the patience of the server can end this.
    await client.closed;
  });
});

describe("leaving a namespace", () => {
  test("is not answered", async (t) => {
    const client = await connectRaw(t, engine);
    client.websocket.answersPings = false;
    client.send("41");
    assert.equal(await client.next(), "2");
  });

  test("leaves the connection to the others", async (t) => {
    const client = await connectRaw(t, engine);
    client.send("40/custom");
    assert.match(await client.next(), /^40\/custom,/);
    assert.equal(await client.next(), '42/custom,["auth",{}]');
    client.send("41/custom");
    client.send('42["message","message to the root"]');
    assert.equal(await client.next(), '42["message-back","message to the root"]');
  });
});

describe("events", () => {
  test("with text", async (t) => {
    const client = await connectRaw(t, engine);
    client.send('42["message",1,"2",{"3":[true]}]');
    assert.equal(await client.next(), '42["message-back",1,"2",{"3":[true]}]');
  });

  test("with binary", async (t) => {
    const client = await connectRaw(t, engine);
    client.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.send(Buffer.from([1, 2, 3]));
    client.send(Buffer.from([4, 5, 6]));
    const back = '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    assert.deepEqual(await client.take(3), [back, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
  });

  test("with text, acknowledged", async (t) => {
    const client = await connectRaw(t, engine);
    client.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await client.next(), '43456[1,"2",{"3":[false]}]');
  });

  test("with binary, acknowledged", async (t) => {
    const client = await connectRaw(t, engine);
    client.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.send(Buffer.from([1, 2, 3]));
    client.send(Buffer.from([4, 5, 6]));
    const back = '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    assert.deepEqual(await client.take(3), [back, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
  });

  for (const [what, packet] of [
    ["an unknown packet type", "4abc"],
    ["a payload of the wrong shape", "42{}"],
    ["a payload that is not JSON", '42abc["message-with-ack",1,"2",{"3":[false]}]'],
  ]) {
    test(`${what} ends the connection`, async (t) => {
      const client = await connectRaw(t, engine);
      client.send(packet);
      await client.closed;
    });
  }
});
