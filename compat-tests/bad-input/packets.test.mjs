// Socket.IO packets that no client may send: they end the connection, over WebSocket at once, over polling with the
// next GET. What is only odd does not.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { test } from "../lib/results.mjs";
import { Engine } from "../lib/engine.mjs";
import { connectRaw } from "../lib/raw-client.mjs";
import { target } from "../lib/server.mjs";
import { useServer } from "../lib/suite.mjs";

const server = useServer();
const engine = new Engine(server, "/socket.io/");

const placeholder = '{"_placeholder":true,"num":0}';

/** What a client that joined the root sends, frame by frame. */
const fatal = {
  "a message without a packet": ["4"],
  "an unknown packet type": ["4abc"],
  "a packet type above the last one": ["47"],
  "text that is no JSON": ["42abc"],
  "JSON that is cut off": ['42["message",1'],
  "JSON with something behind it": ['42["message"]x'],
  "an event that is an object": ["42{}"],
  "an event that is a string": ['42"message"'],
  "an event that is null": ["42null"],
  "an event without a name": ["42[]"],
  "an event named null": ["42[null]"],
  "an event named true": ["42[true]"],
  "an event named by an object": ["42[{}]"],
  "an event named connect": ['42["connect"]'],
  "an event named connect_error": ['42["connect_error"]'],
  "an event named disconnect": ['42["disconnect"]'],
  "an event named disconnecting": ['42["disconnecting"]'],
  "an event named newListener": ['42["newListener"]'],
  "an event named removeListener": ['42["removeListener"]'],
  "a reserved name in escapes": ['42["\\u0063onnect"]'],
  "an acknowledgement that is an object": ["430{}"],
  "an acknowledgement that is a string": ['430"yes"'],
  "a disconnect with a payload": ["41{}"],
  "a connect whose payload is an array": ["40/chat,[]"],
  "a connect whose payload is a string": ['40/chat,"token"'],
  "a connect whose payload is null": ["40/chat,null"],
  "a refusal, which only servers send": ['44{"message":"no"}'],
  "a refusal that is an array": ["44[]"],
  "an event for a namespace that was not joined": ['42/chat,["message"]'],
  "an event for a namespace that does not exist": ['42/unknown,["message"]'],
  "an acknowledgement for a namespace that was not joined": ["43/chat,0[]"],
  "a disconnect from a namespace that was not joined": ["41/chat,"],

  "a binary event without a count": ["45"],
  "a count without a dash": ["451"],
  "a count that is no number": [`45a-["bin",${placeholder}]`],
  "a count that is no integer": [`451.23-["bin",${placeholder}]`],
  "a negative count": [`45-1-["bin",${placeholder}]`],
  "no attachments announced": ['450-["bin"]'],
  "eleven attachments announced": [`4511-["bin",${placeholder}]`],
  "a huge count": [`459999999999999999999-["bin",${placeholder}]`],
  "text while an attachment is awaited": [`451-["bin",${placeholder}]`, '42["message"]'],
  "an attachment that nobody announced": [Buffer.from([1, 2, 3])],
  "one attachment too many": [`451-["nobody",${placeholder}]`, Buffer.from([1]), Buffer.from([2])],
  "a placeholder for an attachment that is not there": ['451-["bin",{"_placeholder":true,"num":1}]', Buffer.from([1])],
  "a negative placeholder": ['451-["bin",{"_placeholder":true,"num":-1}]', Buffer.from([1])],
  "a placeholder whose number is a string": ['451-["bin",{"_placeholder":true,"num":"0"}]', Buffer.from([1])],
  "a placeholder without a number": ['451-["bin",{"_placeholder":true}]', Buffer.from([1])],
};

/** What a client that joined the root sends and is not punished for. */
const harmless = {
  "an event without a payload": ["42"],
  "an event without a payload that wants an answer": ["421"],
  "an acknowledgement that nobody waits for": ["430[]", '4399["x"]'],
  "an acknowledgement without a payload": ["43"],
  "a binary acknowledgement that nobody waits for": [`461-0[${placeholder}]`, Buffer.from([1])],
  "events that nobody handles": ['42["nobody"]', '42[""]', "42[7]", "42[1.5]", '42["error",{"a":1}]', '42["connection"]'],
  "a placeholder in an event without attachments": [`42["nobody",${placeholder}]`],
  "an attachment announced and not used": ['451-["nobody"]', Buffer.from([1])],
  "an attachment used twice": [`451-["nobody",${placeholder},${placeholder}]`, Buffer.from([1])],
  "white space in the JSON": ['42[ "nobody" ,\n\t{ "a" : [ ] } ]'],
  "deep JSON": [`42["nobody",${"[".repeat(500)}${"]".repeat(500)}]`],
  "duplicate keys, and keys of every object": ['42["nobody",{"a":1,"a":2,"__proto__":3,"constructor":4}]'],
  "lone surrogates": ['42["nobody","\\ud800"]'],
  "numbers beyond every type": ['42["nobody",1e400,-1e-400,123456789012345678901234567890]'],
};

/** A session over polling that has joined the root. */
async function joinPolling() {
  const session = await engine.poll();
  await session.send("40");
  await session.take(2);
  return session;
}

const encode = (data) => (typeof data === "string" ? data : `b${data.toString("base64")}`);

describe("over websocket, the connection is closed after", () => {
  for (const [what, frames] of Object.entries(fatal)) {
    test(what, async (t) => {
      const client = await connectRaw(t, engine);
      client.send(...frames);
      const { code, left } = await client.closed;
      assert.equal(code, 1005);
      assert.deepEqual(left, []);
    });
  }

  for (const [what, packet] of [
    ["an event", '42["message"]'],
    ["an acknowledgement", "430[]"],
    ["a disconnect", "41"],
  ]) {
    test(`${what} for a namespace that was left`, async (t) => {
      const client = await connectRaw(t, engine);
      client.send("41", "40/custom");
      assert.match(await client.next(), /^40\/custom,/);
      assert.equal(await client.next(), '42/custom,["auth",{}]');
      client.send(packet);
      assert.equal((await client.closed).code, 1005);
    });
  }

  for (const [what, packet] of [
    ["a first packet that is an event", '42["message"]'],
    ["a first packet that is an acknowledgement", "430[]"],
    ["a first packet that is a disconnect", "41"],
  ]) {
    test(what, async (t) => {
      const ws = await engine.websocket(t);
      ws.send(packet);
      assert.equal((await ws.closed).code, 1005);
    });
  }
});

describe("over polling, the next GET closes the session after", () => {
  for (const [what, frames] of Object.entries(fatal)) {
    test(what, async () => {
      const session = await joinPolling();
      await session.send(...frames.map(encode), '42["message","after"]');
      assert.deepEqual(await session.receive(), ["6", "1"]);
      await session.assertGone();
    });
  }
});

describe("the connection stays after", () => {
  for (const [what, frames] of Object.entries(harmless)) {
    test(`${what}, over websocket`, async (t) => {
      const client = await connectRaw(t, engine);
      client.send(...frames, '42["message","alive"]');
      assert.equal(await client.next(), '42["message-back","alive"]');
    });

    test(`${what}, over polling`, async () => {
      const session = await joinPolling();
      await session.send(...frames.map(encode), '42["message","alive"]');
      assert.deepEqual(await session.receive(), ['42["message-back","alive"]']);
    });
  }
});

describe("arguments of the wrong type", { skip: target === "node" && "its handlers have no types" }, () => {
  for (const [event, answer] of [
    ['420["join"]', "invalid arguments"],
    ['420["join",{"room":1}]', "invalid arguments"],
    ['420["room"]', "invalid arguments"],
    ['420["volatile","many",7]', "invalid arguments"],
  ]) {
    test(`${event} is answered with an error`, async (t) => {
      const client = await connectRaw(t, engine);
      client.send(event);
      assert.equal(await client.next(), `430[{"error":{"message":"${answer}"}}]`);
      client.send('42["message","alive"]');
      assert.equal(await client.next(), '42["message-back","alive"]');
    });
  }
});
