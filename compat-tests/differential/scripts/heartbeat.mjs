// Pings, and timeouts that this script waits for: ping interval 1.5 s, ping timeout 1.5 s, 2.5 s to join a namespace.

import { ENGINE, SOCKETS, table } from "./table.mjs";

const common = { server: ["-ping-interval", "1500ms", "-ping-timeout", "1500ms", "-connect-timeout", "2500ms", "-eio3"], quiet: 60 };
const wait = (ms) => ["wait", ms];

export default [
  table("heartbeat", { at: ENGINE, ...common }, {
    "a ping that is answered, over WebSocket": [["ws"], wait(2_200), ["send", "3"], wait(2_200), ["send", "3"]],
    "a ping that is not answered, over WebSocket": [["ws"], wait(4_800)],
    "messages are no answer to a ping": [["ws"], wait(2_200), ["send", "4x"], wait(2_600)],
    "a ping that is answered, over polling": [["open"], ["poll"], wait(2_200), ["post", "3"], wait(2_200), ["post", "3"]],
    "a ping that is not answered, over polling": [["open"], ["poll"], wait(4_800), ["post", "4x"]],
    "a client that never polls": [["open"], wait(4_800), ["get"]],
    "a ping that is fetched late": [["open"], wait(2_200), ["get"], ["post", "3"], ["post", "4x"], ["get"]],
    "an answer that nobody asked for": [["ws"], ["send", "3"], wait(1_000), ["send", "3"], wait(1_000), wait(1_000)],
    "an answer with data": [["ws"], wait(2_200), ["send", "3abc"], wait(2_200)],
    "a ping across the upgrade": [["open"], ["poll"], wait(600), ["ws"], ["pause"], ["send", "2probe"], ["send", "5"], wait(1_500), ["send", "3"], wait(2_200)],
    "version 3, over WebSocket": [["ws", { EIO: "3" }], ["send", "2"], wait(2_200), ["send", "2"], wait(4_000)],
    "version 3, a ping with data": [["ws", { EIO: "3" }], ["send", "2abc"], ["send", "2probe"]],
    "version 3, a pong": [["ws", { EIO: "3" }], ["send", "3"]],
    "version 3, no ping": [["ws", { EIO: "3" }], wait(4_800)],
    "version 3, over polling": [["open", { EIO: "3" }], ["post", "1:2", { EIO: "3" }], ["get", { EIO: "3" }], wait(4_800), ["get", { EIO: "3" }]],
  }),
  table("connect timeout", { at: SOCKETS, ...common }, {
    "nobody joins, over WebSocket": [["ws"], wait(1_000), ["send", "3"], wait(2_500)],
    "nobody joins, over polling": [["open"], ["poll"], wait(1_000), ["post", "3"], wait(2_500), ["post", "3"]],
    "a refused one": [["ws"], ["send", "40/refused,"], wait(1_000), ["send", "3"], wait(2_500)],
    "an unknown namespace": [["ws"], ["send", "40/none,"], wait(1_000), ["send", "3"], wait(2_500)],
    "one that left again": [["ws"], ["send", "40"], ["send", "41"], wait(1_000), ["send", "3"], wait(2_000), ["send", "3"], ["send", "40"]],
    "one that came in time": [["ws"], wait(1_000), ["send", "40"], ["send", "3"], wait(2_000), ["send", "3"], ["send", '42["echo",1]']],
  }),
];
