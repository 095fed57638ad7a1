// Long-polling in protocol 4: what is sent and fetched, in which order, and what ends a session.

import { ENGINE, table } from "./table.mjs";

const S = "\x1e";

/** A body to post in a session with a GET that waits, and what follows. */
const posted = (body, headers) => [["open"], ["poll"], ["post", body, undefined, headers], ["post", "4after"]];
/** The same without a GET that waits. */
const stored = (body, headers) => [["open"], ["post", body, undefined, headers], ["get"], ["post", "4after"], ["get"]];

const bodies = {
  "a message": "4hello",
  "an empty message": "4",
  "messages": ["4one", "4two", "4three"].join(S),
  "binary": "bAQIDBA==",
  "empty binary": "b",
  "binary among text": ["4one", "bAQI=", "4two"].join(S),
  "base64 without padding": "bAQIDBA",
  "base64 with a line break": "bAQID\nBA==",
  "base64 in the URL alphabet": "b-_-_",
  "base64 with padding in the middle": "bAQ==IDBA",
  "base64 of one character": "bA",
  "base64 of nonsense": "b!!!!",
  "unicode": "4€ 🔑 \u2028\u2029 é",
  "a NUL": "4a\0b",
  "line breaks": "4a\r\nb\n",
  "an empty body": "",
  "a separator alone": S,
  "a trailing separator": `4one${S}`,
  "a leading separator": `${S}4one`,
  "an unknown type": "8",
  "a letter": "x",
  "an unknown type after a message": ["4one", "8", "4two"].join(S),
  "a close packet": "1",
  "a close packet with data": "1bye",
  "a close packet before a message": ["1", "4two"].join(S),
  "a close packet after a message": ["4one", "1"].join(S),
  "a ping": "2",
  "a probe": "2probe",
  "a ping between messages": ["4one", "2", "4two"].join(S),
  "a pong": "3",
  "a probe's answer": "3probe",
  "an open packet": "0",
  "an upgrade packet": "5",
  "a noop": "6",
  "all that has no meaning": ["0", "3", "5", "6", "4last"].join(S),
  "a payload of protocol 3": "6:4hello",
  "a minus": "-1",
  "a space before the type": " 4hello",
};

const types = {
  "no content type": null,
  "text/html": "text/html",
  "JSON": "application/json",
  "a form": "application/x-www-form-urlencoded",
  "binary": "application/octet-stream",
  "binary with a parameter": "application/octet-stream; charset=x",
  "binary in capitals": "APPLICATION/OCTET-STREAM",
};

export default table("polling", { at: ENGINE }, {
  "the handshake": [["open"]],
  "a session": [["open"], ["post", "4hello"], ["get"]],
  "a GET that waits": [["open"], ["get"], ["post", "4hello"], ["get"]],
  "several messages to a GET that waits": [["open"], ["get"], ["post", "4one\x1e4two"], ["get"], ["get"]],
  ...Object.fromEntries(Object.entries(bodies).map(([name, body]) => [`${name}, to a GET that waits`, posted(body)])),
  ...Object.fromEntries(Object.entries(bodies).map(([name, body]) => [`${name}, to a later GET`, stored(body)])),
  ...Object.fromEntries(
    Object.entries(types).map(([name, type]) => [`content of type ${name}`, posted("4hello", { "Content-Type": type })]),
  ),
  "two GETs overlap": [["open"], ["get"], ["get"], ["get"], ["post", "4x"]],
  "two POSTs overlap": [["open"], ["get"], ["upload", 10, "4ab"], ["post", "4second"], ["get"]],
  "a POST in two parts": [["open"], ["upload", 10, "4ab"], ["more", "cdefghi", "post"], ["get"]],
  "a POST in two parts with a GET between": [["open"], ["upload", 10, "4ab"], ["get"], ["more", "cdefghi", "post"]],
  "a POST that is cut": [["open"], ["get"], ["upload", 10, "4ab"], ["cut", "post"], ["get"]],
  "a POST that is cut, nobody waiting": [["open"], ["upload", 10, "4ab"], ["cut", "post"], ["get"]],
  "a POST whose half connection ends": [["open"], ["get"], ["upload", 10, "4ab"], ["end", "post"], ["get"]],
  "a GET that is cut": [["open"], ["get"], ["cut", "get"], ["get"], ["post", "4x"]],
  "a GET whose half connection ends": [["open"], ["get"], ["end", "get"], ["post", "4x"], ["get"]],
  "the handshake's connection ends": [["open"], ["end", "open"], ["post", "4x"], ["get"]],
  "chunks": [
    ["open"],
    ["upload", null, "3\r\n4on\r\n2\r\ne!\r\n0\r\n\r\n", { "Transfer-Encoding": "chunked" }],
    ["get"],
  ],
  "chunks with a trailer": [
    ["open"],
    ["upload", null, "3\r\n4on\r\n0\r\nx-trailer: 1\r\n\r\n", { "Transfer-Encoding": "chunked" }],
    ["get"],
  ],
  "a bad chunk": [["open"], ["get"], ["upload", null, "zz\r\n4on\r\n", { "Transfer-Encoding": "chunked" }], ["get"]],
  "a body of bytes that are no UTF-8": [["open"], ["upload", 4, Buffer.from([0x34, 0xff, 0xfe, 0x41])], ["get"]],
  "a body that begins with a byte order mark": [["open"], ["upload", 8, Buffer.from("\ufeff4hello").subarray(0, 8)], ["get"]],
  "an expectation": [["open"], ["upload", 5, "", { Expect: "100-continue" }], ["more", "4abcd", "post"], ["get"]],
  "an unknown expectation": [["open"], ["upload", 5, "4abcd", { Expect: "miracles" }], ["get"]],
  "the wrong transport": [["open"], ["get", { transport: "websocket" }], ["post", "4x", { transport: "websocket" }], ["post", "4x"], ["get"]],
  "an unknown transport": [["open"], ["get", { transport: "x" }], ["post", "4x"], ["get"]],
  "without a version": [["open"], ["post", "4x", { EIO: null }], ["get", { EIO: null }]],
  "another version": [["open"], ["post", "4x", { EIO: "3" }], ["get", { EIO: "3" }]],
  "base64 asked for": [["open", { b64: "1" }], ["post", "bAQI=", { b64: "1" }], ["get", { b64: "1" }]],
  "a POST without a session": [["post", "4x"]],
  "a GET after the close packet": [["open"], ["post", "1"], ["get"], ["post", "4x"]],
  ...Object.fromEntries(
    ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"].map((method) => [
      `${method} in a session`,
      [["open"], ["method", method], ["post", "4x"], ["get"]],
    ]),
  ),
  "an old browser's header": [["open", undefined, { "User-Agent": "Mozilla/4.0 (compatible;MSIE 8.0)" }], ["post", "4x"], ["get", undefined, { "User-Agent": "x Trident/7.0" }]],
  ...Object.fromEntries(
    ["gzip", "deflate", "br", "*", "identity", "gzip;q=0", "deflate, gzip", "gzip;q=0.5, deflate;q=0.8", "GZIP", ""].flatMap((accept) => [
      [
        `compression, accepting ${JSON.stringify(accept)}`,
        [["open", undefined, { "Accept-Encoding": accept }], ["post", `4${"x".repeat(1100)}`], ["get", undefined, { "Accept-Encoding": accept }]],
      ],
    ]),
  ),
  "compression, one byte below the threshold": [["open"], ["post", `4${"x".repeat(1022)}`], ["get", undefined, { "Accept-Encoding": "gzip" }]],
  "compression, at the threshold": [["open"], ["post", `4${"x".repeat(1023)}`], ["get", undefined, { "Accept-Encoding": "gzip" }]],
});
