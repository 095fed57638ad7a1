// permessage-deflate: what is negotiated, and frames that break its rules.

import { deflateRawSync } from "node:zlib";
import { ENGINE, table } from "./table.mjs";

const EXTENSIONS = "Sec-WebSocket-Extensions";

const offers = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; server_no_context_takeover",
  "permessage-deflate; server_max_window_bits=10",
  "permessage-deflate; client_max_window_bits=10",
  "permessage-deflate; client_max_window_bits=7",
  "permessage-deflate; server_max_window_bits=16",
  "permessage-deflate; server_max_window_bits",
  "permessage-deflate; unknown",
  "permessage-deflate; client_no_context_takeover=1",
  "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
  "permessage-deflate; unknown, permessage-deflate",
  "x-unknown",
  "x-unknown, permessage-deflate",
  "PERMESSAGE-DEFLATE",
  "permessage-deflate;",
  "permessage-deflate; =",
  'permessage-deflate; client_max_window_bits="10"',
  "",
];

const offer = { [EXTENSIONS]: "permessage-deflate; client_no_context_takeover; server_no_context_takeover" };
/** A frame that is compressed, as RFC 7692 section 7.2.1 says. */
const deflated = (text) => ({ hex: deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4).toString("hex") });
const exchange = (...steps) => [["ws", undefined, offer], ...steps, ["send", "4after"]];

export default table("deflate", { at: ENGINE, server: ["-deflate", "-max-payload", "1000"] }, {
  ...Object.fromEntries(offers.map((value) => [`offered ${JSON.stringify(value)}`, [["ws", undefined, { [EXTENSIONS]: value }], ["send", "4x"]]])),
  "not offered": [["ws"], ["send", "4x"], ["frame", 1, deflated("4x"), { reserved: 4 }]],
  "a message that is compressed": exchange(["frame", 1, deflated("4hello"), { reserved: 4 }]),
  "binary that is compressed": exchange(["frame", 2, deflated("hello"), { reserved: 4 }]),
  "fragments that are compressed": exchange(
    ["frame", 1, { hex: deflated("4hello").hex.slice(0, 6) }, { reserved: 4, fin: false }],
    ["frame", 0, { hex: deflated("4hello").hex.slice(6) }],
  ),
  "a continuation that says so itself": exchange(["frame", 1, deflated("4"), { reserved: 4, fin: false }], ["frame", 0, deflated("x"), { reserved: 4 }]),
  "a ping that is compressed": exchange(["frame", 9, deflated("x"), { reserved: 4 }]),
  "a message that is not": exchange(["frame", 1, "4hello"]),
  "what is no deflate": exchange(["frame", 1, { hex: "ffffffff" }, { reserved: 4 }]),
  "nothing": exchange(["frame", 1, "", { reserved: 4 }]),
  "a message at the limit": exchange(["frame", 1, deflated(`4${"x".repeat(999)}`), { reserved: 4 }]),
  "a message that is small and becomes large": exchange(["frame", 1, deflated(`4${"x".repeat(1_000)}`), { reserved: 4 }]),
  "a bomb": exchange(["frame", 1, deflated(`4${"x".repeat(100_000)}`), { reserved: 4 }]),
  "text that is no UTF-8 once inflated": exchange(["frame", 1, deflated(Buffer.from([0x34, 0xff])), { reserved: 4 }]),
});
