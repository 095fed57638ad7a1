// Over TLS a connection cannot be written to past its buffers: the same roads, paved differently.

import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, certify } from "../lib/certificate.mjs";
import { eventually } from "../lib/engine.mjs";
import { Http2 } from "../lib/http2.mjs";
import { connect, record, scenario, upgraded, useDemo } from "../lib/suite.mjs";

const demo = useDemo(certify);

scenario("messages travel both ways", { newest: true, usual: true }, async (t, way) => {
  const client = await connect(t, `${demo.url}/chat`, way, { ca: authority() });
  if (way.settles === "websocket") {
    await upgraded(client);
  }
  const heard = record(client, "message");
  const sent = Array.from({ length: 100 }, (_, i) => [i, "x".repeat(i * 50), Buffer.alloc(i, i)]);
  for (const args of sent) {
    client.emit("message", ...args);
  }
  assert.deepEqual(await heard.take(sent.length), sent);
});

test("polling works over HTTP/2, many requests on one connection", async (t) => {
  const http = new Http2(demo.url, authority());
  t.after(() => http.close());
  const path = "/socket.io/?EIO=4&transport=polling";
  const opened = await http.send("GET", path);
  assert.equal(opened.status, 200);
  const session = `${path}&sid=${JSON.parse(opened.body.slice(1)).sid}`;

  const parked = http.begin("GET", session);
  assert.deepEqual(await http.send("POST", session, "40"), { status: 200, body: "ok" });
  assert.match((await parked.answer).body, /^40\{"sid":/);
  assert.deepEqual(await http.send("POST", session, '42["message","over HTTP/2"]'), { status: 200, body: "ok" });
  assert.equal((await http.send("GET", session)).body, '42["message","over HTTP/2"]');

  // A stream that is cancelled is a connection that drops.
  http.begin("GET", session).cancel();
  const gone = await eventually(() => http.send("POST", session, "3"), ({ status }) => status !== 200);
  assert.equal(gone.body, '{"code":1,"message":"Session ID unknown"}');
});
