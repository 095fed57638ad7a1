// The conformance suite of the Socket.IO protocol, revision 5: 32 cases.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { covers } from "../lib/covers.mjs";
import { connectRaw, dialRaw } from "../lib/raw-client.mjs";
import { answered, hasty, short, useEngine } from "./cases/server.mjs";
import { declareHandshake } from "./cases/handshake.mjs";
import { declareHeartbeat } from "./cases/heartbeat.mjs";
import { declareClosing } from "./cases/closing.mjs";
import { assertPollingIsOver, assertSecondIsRefused, upgrade } from "./cases/upgrade.mjs";

const engine = useEngine("/socket.io/");
const quick = useEngine("/socket.io/", short);
const patient = useEngine("/socket.io/", answered);
const impatient = useEngine("/socket.io/", [...answered, ...hasty]);

describe("Engine.IO below", () => {
  describe("handshake", () => declareHandshake(quick, "suite/socketio-v5", 1));
  describe("heartbeat", () => declareHeartbeat(quick, patient, "suite/socketio-v5", 8));
  describe("closing", () => declareClosing(engine, quick, "suite/socketio-v5", 12));

  describe("upgrade", () => {
    test("from polling to websocket", async (t) => {
      covers("suite/socketio-v5/14");
      const session = await engine.poll();
      const ws = await session.candidate(t);
      ws.send("2probe");
      assert.equal(await ws.next(), "3probe");
    });

    test("after it the session does not answer polling requests", async (t) => {
      covers("suite/socketio-v5/15");
      const session = await engine.poll();
      const ws = await upgrade(t, session);
      // Taken in turn with the upgrade packet, so what follows finds the upgrade done.
      ws.send("40");
      assert.match(await ws.next(), /^40/);
      await assertPollingIsOver(session);
    });

    test("after it no second websocket is taken", async (t) => {
      covers("suite/socketio-v5/16");
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
    covers("suite/socketio-v5/17");
    const client = await dialRaw(t, engine);
    client.send("40");
    const joined = await client.next();
    assert.match(joined, /^40\{/);
    assert.deepEqual(Object.keys(JSON.parse(joined.slice(2))), ["sid"]);
    assert.equal(await client.next(), '42["auth",{}]');
  });

  test("the root, with credentials", async (t) => {
    covers("suite/socketio-v5/18");
    const client = await dialRaw(t, engine);
    client.send('40{"token":"123"}');
    assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42["auth",{"token":"123"}]');
  });

  test("another namespace", async (t) => {
    covers("suite/socketio-v5/19");
    const client = await dialRaw(t, engine);
    client.send("40/custom,");
    assert.match(await client.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42/custom,["auth",{}]');
  });

  test("another namespace, with credentials", async (t) => {
    covers("suite/socketio-v5/20");
    const client = await dialRaw(t, engine);
    client.send('40/custom,{"token":"abc"}');
    assert.match(await client.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), '42/custom,["auth",{"token":"abc"}]');
  });

  test("a namespace that does not exist", async (t) => {
    covers("suite/socketio-v5/21");
    const client = await dialRaw(t, engine);
    client.send("40/random");
    assert.equal(await client.next(), '44/random,{"message":"Invalid namespace"}');
  });

  test("an undecodable first packet ends the connection", async (t) => {
    covers("suite/socketio-v5/22");
    const client = await dialRaw(t, engine);
    client.send("4abc");
    await client.closed;
  });

  test("a client that joins nothing is sent away", async (t) => {
    covers("suite/socketio-v5/23");
    const client = await dialRaw(t, impatient);
    // The helper answers pings, so only the server's wait for a client that joins nothing can end this.
    await client.closed;
  });
});

describe("leaving a namespace", () => {
  test("is not answered", async (t) => {
    covers("suite/socketio-v5/24");
    const client = await connectRaw(t, patient);
    client.websocket.answersPings = false;
    client.send("41");
    assert.equal(await client.next(), "2");
  });

  test("leaves the connection to the others", async (t) => {
    covers("suite/socketio-v5/25");
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
    covers("suite/socketio-v5/26");
    const client = await connectRaw(t, engine);
    client.send('42["message",1,"2",{"3":[true]}]');
    assert.equal(await client.next(), '42["message-back",1,"2",{"3":[true]}]');
  });

  test("with binary", async (t) => {
    covers("suite/socketio-v5/27");
    const client = await connectRaw(t, engine);
    client.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.send(Buffer.from([1, 2, 3]));
    client.send(Buffer.from([4, 5, 6]));
    const back = '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    assert.deepEqual(await client.take(3), [back, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
  });

  test("with text, acknowledged", async (t) => {
    covers("suite/socketio-v5/28");
    const client = await connectRaw(t, engine);
    client.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await client.next(), '43456[1,"2",{"3":[false]}]');
  });

  test("with binary, acknowledged", async (t) => {
    covers("suite/socketio-v5/29");
    const client = await connectRaw(t, engine);
    client.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.send(Buffer.from([1, 2, 3]));
    client.send(Buffer.from([4, 5, 6]));
    const back = '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    assert.deepEqual(await client.take(3), [back, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
  });

  for (const [number, what, packet] of [
    [30, "an unknown packet type", "4abc"],
    [31, "a payload of the wrong shape", "42{}"],
    [32, "a payload that is not JSON", '42abc["message-with-ack",1,"2",{"3":[false]}]'],
  ]) {
    test(`${what} ends the connection`, async (t) => {
      covers(`suite/socketio-v5/${number}`);
      const client = await connectRaw(t, engine);
      client.send(packet);
      await client.closed;
    });
  }
});
