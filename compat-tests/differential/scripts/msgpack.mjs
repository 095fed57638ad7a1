// The parser socket.io-msgpack-parser: each packet is one MessagePack map in one binary message.

import { createRequire } from "node:module";
import { SOCKETS, table } from "./table.mjs";

const { encode } = createRequire(import.meta.url)("notepack.io");
const hex = (value) => encode(value).toString("hex");
const packet = (type, rest = {}) => hex({ type, nsp: "/", ...rest });
const direct = (...packets) => [["ws"], ["bytes", packet(0)], ...packets.map((p) => ["bytes", p]), ["bytes", packet(2, { data: ["echo", "after"] })]];

const events = {
  "an event": [packet(2, { data: ["echo", 1, "é", null, true, 1.5, -7, [1, { a: 2 }]] })],
  "an acknowledgement": [packet(2, { data: ["ack", "x"], id: 5 })],
  "binary": [packet(2, { data: ["bin", Buffer.from([1, 2, 255])] })],
  "nested binary": [packet(2, { data: ["bin", { a: [Buffer.from([1])] }] })],
  "empty binary": [packet(2, { data: ["bin", Buffer.alloc(0)] })],
  "other members": [packet(2, { data: ["echo", 1], options: { compress: true } })],
  "another namespace": [hex({ type: 0, nsp: "/chat" }), hex({ type: 2, nsp: "/chat", data: ["echo", 1] })],
  "auth": [hex({ type: 0, nsp: "/chat", data: { a: 1 } })],
  "an unknown namespace": [hex({ type: 0, nsp: "/none" })],
  "a refusal": [hex({ type: 0, nsp: "/refused" })],
  "leaving": [packet(1)],
  "joining twice": [packet(0)],
  "an unknown type": [packet(9)],
  "type 5": [packet(5, { data: ["bin"] })],
  "no type": [hex({ nsp: "/" })],
  "no namespace": [hex({ type: 2, data: ["echo"] })],
  "a namespace that is a number": [hex({ type: 2, nsp: 1, data: ["echo"] })],
  "an event that is an object": [packet(2, { data: { a: 1 } })],
  "an event without data": [packet(2)],
  "an id that is a string": [packet(2, { data: ["ack"], id: "x" })],
  "a fractional id": [packet(2, { data: ["ack"], id: 1.5 })],
  "connect with an array": [hex({ type: 0, nsp: "/chat", data: [] })],
  "disconnect with data": [packet(1, { data: {} })],
  "a connect error": [packet(4, { data: { message: "x" } })],
  "trailing bytes": [`${packet(2, { data: ["echo"] })}00`],
  "no map": ["93010203"],
  "half a map": [packet(2, { data: ["echo", "a long string"] }).slice(0, 20)],
  "nothing": [""],
  "an ack that nobody waits for": [packet(3, { data: [1], id: 7 })],
  "large numbers": [packet(2, { data: ["echo", 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 31) - 1] })],
  "a question": [packet(2, { data: ["ask"] }), packet(3, { id: 0, data: ["yes", 2] })],
};

export default table("msgpack", { at: SOCKETS, server: ["-parser", "msgpack"], msgpack: true }, {
  ...Object.fromEntries(Object.entries(events).map(([name, packets]) => [`${name}, over WebSocket`, direct(...packets)])),
  "text": [["ws"], ["send", "40"]],
  "over polling": [
    ["open"],
    ["poll"],
    ["post", [packet(0), packet(2, { data: ["echo", 1] })].map((p) => `b${Buffer.from(p, "hex").toString("base64")}`).join("\x1e")],
  ],
});
