// The official client's bundles, as pages load them from the server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, inflateSync } from "node:zlib";
import { get } from "../lib/http.mjs";
import { useDemo } from "../lib/suite.mjs";

const demo = useDemo();
const bundles = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
const client = join(import.meta.dirname, "..", "..", "client-js", "node_modules", "socket.io-client");
const { version } = JSON.parse(readFileSync(join(client, "package.json")));

const url = (name) => `${demo.url}/socket.io/${name}`;

for (const name of bundles.flatMap((bundle) => [bundle, `${bundle}.map`])) {
  test(`${name} is served as it is`, async () => {
    const { status, headers, body } = await get(url(`${name}?v=1`));
    assert.equal(status, 200);
    assert.equal(body, readFileSync(join(client, "dist", name), "utf8"));
    const type = name.endsWith(".map") ? "application/json" : "application/javascript";
    assert.equal(headers["content-type"], `${type}; charset=utf-8`);
    assert.equal(headers["cache-control"], "public, max-age=0");
    assert.equal(headers.etag, `"${version}"`);
  });
}

test("who has the file is told so", async () => {
  for (const tag of [`"${version}"`, `W/"${version}"`]) {
    const { status, body } = await get(url("socket.io.js"), { headers: { "if-none-match": tag } });
    assert.deepEqual([status, body], [304, ""]);
  }
  assert.equal((await get(url("socket.io.js"), { headers: { "if-none-match": '"0.0.0"' } })).status, 200);
});

test("files are compressed for who can take it", async () => {
  const plain = readFileSync(join(client, "dist", "socket.io.min.js"));
  for (const [accept, encoding, decode] of [
    ["gzip", "gzip", gunzipSync],
    ["deflate", "deflate", inflateSync],
    ["gzip;q=0.5, deflate;q=0.1", "gzip", gunzipSync],
    ["gzip;q=0.5, deflate", "deflate", inflateSync],
    ["identity", undefined, (data) => data],
  ]) {
    const { headers, data } = await get(url("socket.io.min.js"), { headers: { "accept-encoding": accept } });
    assert.equal(headers["content-encoding"], encoding, accept);
    assert.deepEqual(decode(data), plain, accept);
  }
});

test("there are no other files", async () => {
  for (const name of ["socket.io.esm.js", "package.json", "../package.json", "socket.io.js.map.map"]) {
    const { status } = await get(url(name));
    assert.ok(status === 400 || status === 404, `${name}: ${status}`);
  }
  const { status, body } = await get(url("socket.io.esm.js"));
  assert.deepEqual([status, body], [400, '{"code":0,"message":"Transport unknown"}']);
});
