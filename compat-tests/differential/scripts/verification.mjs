// Who gets a session, and what others are answered: methods, queries, origins, headers of the WebSocket handshake.

import { ENGINE, table } from "./table.mjs";

const request = (query, rest = {}) => [["request", { query, ...rest }]];
const plain = (query) => request(query);
const ws = (query, headers) => [["ws", query, headers]];

const queries = {
  "no query": "",
  "only a version": "EIO=4",
  "no version": "transport=polling",
  "version 3": "EIO=3&transport=polling",
  "version 5": "EIO=5&transport=polling",
  "version of letters": "EIO=four&transport=polling",
  "empty version": "EIO=&transport=polling",
  "version twice, the last one good": "EIO=3&EIO=4&transport=polling",
  "version twice, the last one bad": "EIO=4&EIO=3&transport=polling",
  "version with a leading zero": "EIO=04&transport=polling",
  "version with a space": "EIO=4%20&transport=polling",
  "unknown transport": "EIO=4&transport=carrier-pigeon",
  "empty transport": "EIO=4&transport=",
  "transport constructor": "EIO=4&transport=constructor",
  "transport __proto__": "EIO=4&transport=__proto__",
  "transport toString": "EIO=4&transport=toString",
  "transport in capitals": "EIO=4&transport=POLLING",
  "transport twice, the last one good": "EIO=4&transport=x&transport=polling",
  "transport twice, the last one bad": "EIO=4&transport=polling&transport=x",
  "transport webtransport": "EIO=4&transport=webtransport",
  "websocket without an upgrade": "EIO=4&transport=websocket",
  "percent-encoded transport": "EIO=4&transport=%70olling",
  "transport with a trailing space as plus": "EIO=4&transport=polling+",
  "unknown session": "EIO=4&transport=polling&sid=none",
  "unknown session without version": "transport=polling&sid=none",
  "unknown session, unknown transport": "EIO=4&transport=x&sid=none",
  "session __proto__": "EIO=4&transport=polling&sid=__proto__",
  "session constructor": "EIO=4&transport=polling&sid=constructor",
  "empty session": "EIO=4&transport=polling&sid=",
  "session twice, the last one empty": "EIO=4&transport=polling&sid=none&sid=",
  "session that is too long": `EIO=4&transport=polling&sid=${"x".repeat(3000)}`,
  "unknown session of websocket": "EIO=4&transport=websocket&sid=none",
  "other parameters": "EIO=4&transport=polling&t=abc123&foo=bar&b64=",
  "bad percent-encoding": "EIO=4&transport=polling&x=%zz",
  "semicolons": "EIO=4;transport=polling",
  "semicolon in a value": "EIO=4&transport=polling&x=a;b",
  "a question mark too many": "?EIO=4&transport=polling",
  "ampersands in a row": "&&EIO=4&&transport=polling&&",
  "names without values": "EIO=4&transport=polling&x&y",
};

const methods = Object.fromEntries(
  ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND"].flatMap((method) => [
    [`${method} without a session`, request("EIO=4&transport=polling", { method })],
    [`${method} without a transport`, request("", { method })],
    [`${method} for an unknown session`, request("EIO=4&transport=polling&sid=none", { method })],
  ]),
);

const origins = Object.fromEntries(
  Object.entries({
    "same origin": "http://server.test",
    "same host over https": "https://server.test",
    "another origin": "http://elsewhere.test",
    "origin null": "null",
    "empty origin": "",
    "origin of nonsense": "not an origin",
    "origin with a control character": "http://server.test\x01",
    "origin with latin letters": "http://sérver.test",
  }).flatMap(([name, Origin]) => [
    [`${name}, over polling`, request("EIO=4&transport=polling", { headers: { Origin } })],
    [`${name}, over WebSocket`, ws(undefined, { Origin })],
  ]),
);

const handshakes = {
  "a WebSocket": ws(),
  "a WebSocket of version 8": ws(undefined, { "Sec-WebSocket-Version": 8 }),
  "a WebSocket of version 7": ws(undefined, { "Sec-WebSocket-Version": 7 }),
  "a WebSocket without a version": ws(undefined, { "Sec-WebSocket-Version": null }),
  "a WebSocket of no numeric version": ws(undefined, { "Sec-WebSocket-Version": "x" }),
  "a WebSocket without a key": ws(undefined, { "Sec-WebSocket-Key": null }),
  "a WebSocket with a short key": ws(undefined, { "Sec-WebSocket-Key": "short" }),
  "a WebSocket with a key of no base64": ws(undefined, { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }),
  "a WebSocket with a key that has no padding": ws(undefined, { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQAA" }),
  "a WebSocket with a protocol": ws(undefined, { "Sec-WebSocket-Protocol": "one" }),
  "a WebSocket with protocols": ws(undefined, { "Sec-WebSocket-Protocol": "one, two" }),
  "a WebSocket with an empty protocol": ws(undefined, { "Sec-WebSocket-Protocol": "" }),
  "a WebSocket with the same protocol twice": ws(undefined, { "Sec-WebSocket-Protocol": "one, one" }),
  "a WebSocket with a bad protocol": ws(undefined, { "Sec-WebSocket-Protocol": "o(ne" }),
  "a WebSocket that offers compression": ws(undefined, { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }),
  "a WebSocket with bad extensions": ws(undefined, { "Sec-WebSocket-Extensions": "permessage-deflate; =" }),
  "an upgrade to something else": ws(undefined, { Upgrade: "h2c" }),
  "an upgrade in capitals": ws(undefined, { Upgrade: "WebSocket", Connection: "UPGRADE" }),
  "an upgrade among other connection options": ws(undefined, { Connection: "keep-alive, Upgrade" }),
  "an upgrade without a connection header": ws(undefined, { Connection: null }),
  "an upgrade for polling": ws("EIO=4&transport=polling"),
  "an upgrade for an unknown transport": ws("EIO=4&transport=x"),
  "an upgrade without a query": ws(""),
  "an upgrade for an unknown session": ws("EIO=4&transport=websocket&sid=none"),
  "an upgrade of version 3": ws("EIO=3&transport=websocket"),
  "an upgrade without a version": ws("transport=websocket"),
  "an upgrade with POST": [
    ["request", { method: "POST", query: "EIO=4&transport=websocket", headers: { Connection: "Upgrade", Upgrade: "websocket" } }],
  ],
  "an upgrade in HTTP 1.0": [
    ["request", { version: "1.0", query: "EIO=4&transport=websocket", headers: { Connection: "Upgrade", Upgrade: "websocket" } }],
  ],
  "polling in HTTP 1.0": request("EIO=4&transport=polling", { version: "1.0" }),
  "polling with Connection: close": request("EIO=4&transport=polling", { headers: { Connection: "close" } }),
};

export default table("verification", { at: ENGINE }, {
  ...Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, plain(query)])),
  ...methods,
  ...origins,
  ...handshakes,
});
