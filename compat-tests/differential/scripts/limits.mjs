// A limit of 1,000 bytes for what clients send.

import { ENGINE, table } from "./table.mjs";

const FRAME = 1;
const x = (n) => "x".repeat(n);
const uploaded = (...steps) => [["open"], ["poll"], ...steps, ["post", "4after"]];

export default table("limits", { at: ENGINE, server: ["-max-payload", "1000"] }, {
  "a body at the limit": uploaded(["post", `4${x(999)}`]),
  "a body above it": uploaded(["post", `4${x(1_000)}`]),
  "a body far above it": uploaded(["post", `4${x(200_000)}`]),
  "a body in bytes, not characters": uploaded(["post", `4${"€".repeat(334)}`]),
  "chunks at the limit": uploaded(["upload", null, `3e8\r\n4${x(999)}\r\n0\r\n\r\n`, { "Transfer-Encoding": "chunked" }]),
  "chunks above it": uploaded(["upload", null, `3e9\r\n4${x(1_000)}\r\n0\r\n\r\n`, { "Transfer-Encoding": "chunked" }]),
  "an announcement above it": uploaded(["upload", 1_001, "4x"]),
  "packets that are above it together": uploaded(["post", Array(10).fill(`4${x(100)}`).join("\x1e")]),
  "a frame at the limit": [["ws"], ["send", `4${x(999)}`], ["send", "4after"]],
  "a frame above it": [["ws"], ["send", `4${x(1_000)}`], ["send", "4after"]],
  "a frame far above it": [["ws"], ["send", `4${x(70_000)}`]],
  "a binary frame at the limit": [["ws"], ["bytes", "ab".repeat(1_000)]],
  "a binary frame above it": [["ws"], ["bytes", "ab".repeat(1_001)]],
  "fragments above it together": [
    ["ws"],
    ["frame", FRAME, `4${x(599)}`, { fin: false }],
    ["frame", 0, x(600), { fin: true }],
  ],
  "a frame that only announces too much": [["ws"], ["frame", FRAME, "4", { length: 1_001 }]],
  "a frame that announces an absurd length": [["ws"], ["frame", FRAME, "4", { length: 2 ** 52 }]],
  "an empty fragment after a message at the limit": [
    ["ws"],
    ["frame", FRAME, `4${x(999)}`, { fin: false }],
    ["frame", 0, "", { fin: true }],
  ],
  "the handshake of a WebSocket": [["ws"]],
});
