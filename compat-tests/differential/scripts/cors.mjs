// CORS and cookies.

import { ENGINE, table } from "./table.mjs";

const query = "EIO=4&transport=polling";
const request = (headers, rest = {}) => ["request", { query, headers, ...rest }];
const APP = "http://app.test";
const EVIL = "http://evil.test";

const entries = (Origin) => ({
  [`a handshake from ${Origin}`]: [request({ Origin })],
  [`a session from ${Origin}`]: [["open", undefined, { Origin }], ["post", "4x", undefined, { Origin }], ["get", undefined, { Origin }]],
  [`a WebSocket from ${Origin}`]: [["ws", undefined, { Origin }], ["send", "4x"]],
  [`a preflight from ${Origin}`]: [request({ Origin, "Access-Control-Request-Method": "POST" }, { method: "OPTIONS" })],
  [`a preflight with headers from ${Origin}`]: [
    request({ Origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a, X-B" }, { method: "OPTIONS" }),
  ],
  [`a preflight without a method from ${Origin}`]: [request({ Origin }, { method: "OPTIONS" })],
  [`a preflight without a transport from ${Origin}`]: [["request", { headers: { Origin }, method: "OPTIONS" }]],
  [`an error for ${Origin}`]: [["request", { query: "EIO=4&transport=x", headers: { Origin } }]],
  [`an unknown session for ${Origin}`]: [["request", { query: `${query}&sid=none`, headers: { Origin } }]],
});

const cookies = {
  "on the handshake, not later": [["open"], ["post", "4x"], ["get"]],
  "not on a WebSocket": [["ws"]],
  "not on an upgrade": [["open"], ["ws"]],
  "not on an error": [["request", { query: "EIO=4&transport=x" }]],
};

export default [
  table("cors of a list", { at: ENGINE, server: ["-cors", "http://app.test,http://other.test"] }, {
    ...entries(APP),
    ...entries(EVIL),
    "without an origin": [["open"], ["post", "4x"], ["get"]],
    "a preflight without an origin": [request({}, { method: "OPTIONS" })],
  }),
  table("cors of one", { at: ENGINE, server: ["-cors", APP] }, entries(APP)),
  table("cors of all", { at: ENGINE, server: ["-cors", "*"] }, { ...entries(APP), "without an origin": [["open"]] }),
  table("cookie", { at: ENGINE, server: ["-cookie"] }, cookies),
];
