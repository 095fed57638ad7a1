// The deliberate differences between the parsers. `why` is the beginning of a row of docs/differences.md, or says itself why there
// need be none (`isTrivial`); `of` is the beginning of the comparison's name, `when` a function of {input, official, ours} that
// tells whether a difference is this one. An entry that is not met is an error, but for those that are met `sometimes`, in
// longer runs.

import { isDeepStrictEqual } from "node:util";

const text = ({ data }) => Buffer.from(data, "base64").toString();
const begins = (whole, part) => part.every((packet, i) => JSON.stringify(packet) === JSON.stringify(whole[i]));

/** A value as JSON, whatever number of U+FFFD stands for text that is broken. */
const healed = (value) => JSON.parse(JSON.stringify(value).replace(/\ufffd+/g, "\ufffd"));

export const known = [
  {
    why: "Base64 with characters in it that are not ASCII is read to its end",
    of: "decode pa",
    when: ({ input, official, ours }) =>
      /\P{ASCII}/u.test(text(input)) &&
      official.value.length === ours.value.length &&
      official.value.every((packet, i) => packet.data === ours.value[i].data || (packet.binary && ours.value[i].data.startsWith(packet.data.slice(0, -4)))),
  },
  {
    why: "Lengths in payloads of protocol 3 are digits",
    of: "decode payload3",
    when: ({ official, ours }) => ours.error?.includes("length") && begins(official.value, ours.value),
  },
  {
    why: "Packets of protocol 3 without a type that exists",
    of: "decode payload3binary",
    when: ({ official, ours }) => ours.error?.includes("behind the last packet") && begins(official.value, ours.value),
  },
  {
    why: "Packets before a length that is wrong, in the binary form of protocol 3",
    of: "decode payload3binary",
    when: ({ official, ours }) => ours.error && official.error && begins(ours.value, official.value),
  },
  {
    why: "Packet types, ids, attachment counts and placeholder numbers are digits",
    of: "decode sockets",
    when: ({ input }) => input.some((m) => m.text !== undefined && Number(m.text.charAt(0)) === 0 && m.text[0] !== "0"),
  },
  {
    why: "Packet types, ids, attachment counts and placeholder numbers are digits",
    of: "decode sockets",
    when: ({ input, ours }) => ours.error === "invalid payload" && input.some((m) => /^\d([/][^,]*,)?\d*\s[^"]*(\[|$)/.test(m.text)),
    sometimes: true,
  },
  {
    why: "Acknowledgement ids above 2^53-1 are refused",
    of: "decode",
    when: ({ official, ours }) => ours.error === "invalid packet id" && (official.error === "invalid payload" || official.value.length > ours.value.length),
  },
  {
    why: "Values that pass through `any`",
    of: "decode sockets",
    when: ({ ours }) => /cannot decode.*number/.test(ours.error),
  },
  {
    why: "The msgpack parser counts binary values as attachments",
    of: "decode msgpack",
    when: ({ official, ours }) => /invalid (payload|namespace|format)|too many attachments/.test(ours.error) && begins(official.value, ours.value),
  },
  {
    why: "How many U+FFFD stand for text that is broken is nobody's contract",
    isTrivial: true,
    of: "decode msgpack",
    when: ({ official, ours }) => isDeepStrictEqual(healed(official.value), healed(ours.value)),
  },
  {
    why: "In control packets U+2028 and U+2029 are escaped: it is the same JSON",
    isTrivial: true,
    of: "encode sockets",
    when: ({ input, official, ours }) =>
      [0, 4].includes(input.type) && ours.value[0].text.replaceAll("\\u2028", "\u2028").replaceAll("\\u2029", "\u2029") === official.value[0].text,
  },
  {
    why: "Whole numbers beyond 2^53 are sent as float64 by the msgpack parser",
    of: "encode msgpack",
    when: ({ input }) => /\b(1e\+?21|1e\+?20|100000000000000000000|1\.7976931348623157e\+308)\b/.test(JSON.stringify(input)),
  },
];
