import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, overEachTransport, record, useServer } from "../lib/suite.mjs";

const server = useServer();

/** What goes out, by a name to fail with. */
const shapes = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  "negative integer": -42,
  fraction: 0.1,
  "largest safe integer": Number.MAX_SAFE_INTEGER,
  "smallest safe integer": Number.MIN_SAFE_INTEGER,
  "tiny number": 5e-324,
  "huge number": 1.7976931348623157e308,
  "empty string": "",
  string: "hello",
  "string in several scripts": "Grüße, Κόσμε, мир, 世界, שלום, 🌍👩‍👩‍👧",
  "string of escapes": "\" \\ / \b \f \n \r \t \u0000 \u001f \u2028 \u2029 </script> <b>&amp;",
  "string that looks like a packet": '42["message",{"_placeholder":true,"num":0}]',
  "empty array": [],
  "empty object": {},
  "nested arrays": [[], [[]], [[[1], 2], 3]],
  "array of everything": [null, true, 0, -1.5, "x", [], {}, [{}], { a: [] }],
  "object of objects": { a: { b: { c: { d: [{ e: "f" }] } } } },
  "odd keys": { "": 1, " ": 2, "a.b": 3, "é€🙂": 4, '"': 5, "\\": 6, constructor: 7, toString: 8 },
  "placeholder without attachments": { _placeholder: true, num: 0 },
  "deep nesting": Array.from({ length: 100 }).reduce((inner) => ({ inner }), "core"),
  "long string": "x".repeat(50_000),
  "long array": Array.from({ length: 5_000 }, (_, i) => i),
};

overEachTransport((transport) => {
  test("every shape of JSON comes back as it went", async (t) => {
    const socket = await connect(t, server.url, transport);
    const echo = record(socket, "echo");
    for (const [name, value] of Object.entries(shapes)) {
      socket.emit("echo", value);
      assert.deepEqual(await echo.next(), [value], name);
      assert.deepEqual(await ask(socket, "ack", value), [value], `${name}, acknowledged`);
    }
  });

  test("all shapes at once are as many arguments", async (t) => {
    const socket = await connect(t, server.url, transport);
    const values = Object.values(shapes);
    assert.deepEqual(await ask(socket, "ack", ...values), values);
  });

  test("what JSON cannot say arrives as JSON.stringify has it", async (t) => {
    const socket = await connect(t, server.url, transport);
    const date = new Date("2026-02-03T04:05:06.789Z");
    const values = [undefined, Number.NaN, Infinity, date, { gone: undefined, kept: 1 }, -0];
    assert.deepEqual(await ask(socket, "ack", ...values), JSON.parse(JSON.stringify(values)));
  });
});
