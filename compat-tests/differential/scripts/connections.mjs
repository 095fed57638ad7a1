// Several requests on one connection, one after the other and before the other is answered.

import { ENGINE, table } from "./table.mjs";

const same = (...steps) => steps.map((step) => ["same", step]);
const missing = { query: "EIO=4&transport=polling&sid=none" };

export default [
  table("connections", { at: ENGINE }, {
    "one for everything": [["open"], ...same(["post", "4one"], ["get"], ["post", "4two"], ["get"])],
    "one for GETs, one for POSTs": [["open"], ["same", ["get"]], ["post", "4one"], ["same", ["post", "4two"]], ["get"]],
    "after an error": [["open"], ...same(["request", missing], ["post", "4x"], ["get"])],
    "after another method": [["open"], ...same(["method", "PUT"], ["post", "4x"], ["get"])],
    "after an empty body": [["open"], ...same(["post", "4x"], ["method", "HEAD"], ["get"])],
    "after a body in chunks": [
      ["open"],
      ["same", ["upload", null, "3\r\n4on\r\n0\r\n\r\n", { "Transfer-Encoding": "chunked" }]],
      ["same", ["get"]],
    ],
    "after the end of the session": [["open"], ...same(["post", "1"], ["get"], ["post", "4x"])],
    "after two GETs overlapped": [["open"], ["get"], ["get"], ["same", ["get"]]],
    "an upgrade on a used one": [["open"], ["same", ["post", "4x"]], ["same", ["ws"]], ["send", "2probe"], ["send", "5"], ["send", "4y"]],
    "a WebSocket on a used one": [["request", missing], ["same", ["ws"]], ["send", "4x"]],
    "two POSTs in one piece": [["open"], ["together", ["same", ["post", "4one"]], ["same", ["post", "4two"]]], ["get"]],
    "errors in one piece": [["request", missing], ["together", ["same", ["request", missing]], ["same", ["request", { query: "EIO=4" }]]]],
    "a POST and a GET in one piece": [["open"], ["together", ["same", ["post", "4one"]], ["same", ["get"]]]],
    "closed by the client": [["open"], ["same", ["post", "4x", undefined, { Connection: "close" }]], ["get"]],
    "closed by a client that waits": [["open"], ["get", undefined, { Connection: "close" }], ["post", "4x"], ["get"]],
  }),
  table("connections with a limit", { at: ENGINE, server: ["-max-payload", "1000"] }, {
    "after a body at the limit": [["open"], ...same(["post", `4${"x".repeat(999)}`], ["get"])],
  }),
];
