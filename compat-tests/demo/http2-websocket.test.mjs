// WebSockets over HTTP/2 (RFC 8441), with Node's HTTP/2 client. Go's net/http allows them when it is told to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, certify } from "../lib/certificate.mjs";
import { CLOSE, frame, TEXT } from "../lib/frame.mjs";
import { Http2 } from "../lib/http2.mjs";
import { Inbox } from "../lib/inbox.mjs";
import { once } from "../lib/deadline.mjs";
import { useDemo } from "../lib/suite.mjs";

const demo = useDemo(() => {
  const options = certify();
  process.env.GODEBUG = "http2xconnect=1"; // the demo inherits it
  return options;
});

const path = "/socket.io/?EIO=4&transport=websocket";

/** The text frames that arrive on a stream, as long as they are short. */
function texts(stream) {
  const inbox = new Inbox("text frames of a stream");
  let rest = Buffer.alloc(0);
  stream.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end; rest.length >= 2 && rest.length >= (end = 2 + rest[1]) && rest[1] < 126; rest = rest.subarray(end)) {
      inbox.push(rest[0] === 0x88 ? null : rest.subarray(2, end).toString());
    }
  });
  return inbox;
}

test("messages travel both ways, several WebSockets on one connection", async (t) => {
  const http = new Http2(demo.url, authority());
  t.after(() => http.close());
  assert.equal(await http.allowsTunnels(), true);
  const open = async () => {
    const { status, stream } = await http.tunnel(path);
    assert.equal(status, 200);
    const inbox = texts(stream);
    assert.match(await inbox.next(), /^0\{"sid":"/);
    stream.write(frame(TEXT, "40"));
    assert.match(await inbox.next(), /^40\{"sid":/);
    return { stream, inbox };
  };
  const sockets = await Promise.all([open(), open(), open()]);
  for (const [i, { stream }] of sockets.entries()) {
    stream.write(frame(TEXT, `42["message","I am ${i}"]`)); // the demo tells everybody
    for (const { inbox } of sockets) {
      assert.equal(await inbox.next(), `42["message","I am ${i}"]`);
    }
  }
  const [{ stream, inbox }] = sockets;
  stream.write(frame(CLOSE));
  assert.equal(await inbox.next(), null);
  await once(stream, "close");
  // The others, and polling, go on.
  assert.equal((await http.send("GET", path.replace("websocket", "polling"))).status, 200);
  sockets[1].stream.write(frame(TEXT, '42["message","still"]'));
  assert.equal(await sockets[1].inbox.next(), '42["message","still"]');
});

test("what is no WebSocket is refused", async (t) => {
  const http = new Http2(demo.url, authority());
  t.after(() => http.close());
  assert.equal(await http.allowsTunnels(), true);
  assert.equal((await http.tunnel(`${path}&sid=unknown`)).status, 400);
  assert.equal((await http.tunnel(path, { ":protocol": "connect-udp" })).status, 501);
  assert.equal((await http.tunnel(path, { "sec-websocket-version": "12" })).status, 400);
  assert.equal((await http.tunnel(path, { origin: "https://evil.example" })).status, 400);
});
