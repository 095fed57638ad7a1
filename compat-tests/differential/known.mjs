// The deliberate differences that the scripts meet. `why` is the beginning of a row of docs/differences.md. An entry matches a step
// when `script` matches the script's name, `step` the step as JSON, and `official` and `ours` the lines that only one of the
// transcripts has; what is not given matches everything, and null matches no lines. With `parts` nothing is compared after that
// step: the difference leaves two different states behind. An entry that no script meets is an error, but for what depends on how
// bytes arrive, or on the fuzzer's luck: that is met `sometimes`.

const refusedOrigin = / "(\{\\"code\\":4,\\"message\\":\\")?Origin /;
const http = "Answers that net/http gives by itself";

export const known = [
  { why: "A request whose Origin is another host than its own is refused", ours: refusedOrigin, parts: true },
  { why: "A script for a page that hides itself", script: /hides itself/, ours: /cross-origin-resource-policy/i, parts: true },
  { why: "A request for a client file that is not served gets 404", script: /routing: GET .*\.js$/, ours: /404 /, parts: true },
  {
    why: "Engine.IO revision errors on a WebSocket handshake are answered with 400",
    official: /101 .*\n.*400 Bad Request/,
    ours: /400 .*"Unsupported protocol version"/,
  },
  {
    why: "`GET transport=websocket` without an upgrade",
    step: /^\["get",\{"transport":"websocket"\}/,
    official: null,
    ours: /400 .*Bad request/,
  },
  {
    why: "The close packet `1` on a WebSocket or WebTransport closes the session",
    step: /^\["(send|together)".*"1/,
    ours: /close$/m,
    parts: true,
  },
  {
    why: "Messages that come in one piece with the WebSocket handshake",
    step: /^\["together",\["ws"/,
    official: null,
    ours: /text/,
    sometimes: true,
  },
  {
    why: "A body that cannot be decoded",
    step: /^\["(post|upload)/,
    official: /^post \d+: 200 .*"ok"$/,
    ours: null,
  },
  {
    why: "A CONNECT for a namespace that the client has joined",
    script: /joining (another namespace |\/ )?(twice|again), over|joining \/ again|fuzz/,
    official: /close|"1"/,
    ours: /: (text )?"40|"type":0/,
    parts: true,
  },
  {
    why: "Before a namespace is joined a packet may have 16 KiB",
    script: /fuzz/,
    step: /^\["(send|post|together)".*4?5\d+-/,
    ours: /close|"1"/,
    parts: true,
    sometimes: true,
  },
  { why: "A poll that is parked while a client upgrades", script: /a ping across the upgrade/, step: /"2probe"/, official: null, ours: /poll: "6"/ },
  { why: "A poll that is parked while a client upgrades", script: /a ping across the upgrade/, step: /"5"/, official: /poll: "1"/, ours: null },
  // When the first has been answered by then, ours answers the second too.
  { why: "A CONNECT for a namespace that the client has joined", script: /twice at once/, official: /40\{/, parts: true, sometimes: true },
  {
    why: "Packets for a namespace whose socket the server has just disconnected",
    script: /being disconnected, over/,
    official: /close|"1"/,
    ours: null,
    parts: true,
  },
  { why: "Packet types, ids, attachment counts and placeholder numbers are digits", script: /exponent|fractional placeholder/, ours: /close|"1"/, parts: true },
  {
    why: "Values that pass through `any`",
    script: /odd keys|keys that are numbers|lone surrogates/,
    official: /echo|431/,
    ours: /echo|431/,
  },
  {
    why: "Packets of protocol 3 without a type that exists",
    script: /protocol 3: (an empty binary frame|bytes of an unknown type)/,
    official: null,
    ours: /close/,
    parts: true,
  },
  {
    why: "Packets of protocol 3 without a type that exists",
    script: /protocol 3: (a type that does not exist|nothing|an unknown marker|base64 without a type)/,
    official: null,
    ours: /Session ID unknown/,
    parts: true,
  },
  { why: "Lengths in payloads of protocol 3 are digits", script: /protocol 3: a length (with a space|that is too long)/, parts: true },
  {
    why: "With `PerMessageDeflate` each message is compressed on its own",
    script: /^deflate: offered/,
    official: /^ws 1: 101 .*permessage-deflate[^\n]*$/,
    ours: /^ws 1: 101 [^\n]*$/,
  },
  { why: "An offer of permessage-deflate that cannot be accepted is declined", script: /^deflate: offered/, official: /400 .*unacceptable/, parts: true },
  { why: "A client without an offset is recovered from where it connected", script: /recovery: an (unknown|empty) offset/, parts: true },
  {
    why: "A namespace of a protocol 3 client is taken as it is written",
    script: /fuzz/,
    official: /44\/.*Invalid namespace/,
    ours: /44\/.*Invalid namespace/,
    sometimes: true,
  },
  {
    why: "Packets of protocol 3 without a type that exists",
    script: /fuzz/,
    step: /^\["send","b\D?"/,
    official: null,
    ours: /close/,
    parts: true,
    sometimes: true,
  },
  { why: "The close packet `1` on a WebSocket or WebTransport closes the session", script: /fuzz/, step: /^\["send","b1/, ours: /close$/m, parts: true, sometimes: true },
  { why: "A CONNECT for a namespace that the client has joined", script: /fuzz/, step: /40/, official: /40|close|"1"/, parts: true, sometimes: true },
  { why: "A namespace of a protocol 3 client is taken as it is written", official: /%C3%A9/, ours: /é/ },
  {
    why: 'A session that was opened on WebSocket or WebTransport cannot be "upgraded"',
    script: /fuzz/,
    step: /^\["ws"/,
    official: null,
    ours: /close/,
    parts: true,
  },
  { why: "Messages that arrive together leave together", script: /fuzz/, step: /^\["post"/, official: /^post .*"ok"$/, ours: /^poll: "/, parts: true },
  { why: "A packet behind the DISCONNECT of its namespace", script: /fuzz/, step: /41/, official: null, ours: /close|"1"/, parts: true },
  { why: http, script: /fuzz/, step: /^\["upload"/, official: /^post \d+: 400 /, ours: null, parts: true },
  { why: "A body above `MaxPayload`", official: /413 ""/, ours: /413 \[connection: close\] ""/ },
  { why: "A body above `MaxPayload`", step: /^\["upload",1001/, official: null, ours: /413 \[connection: close\] ""/, parts: true },
  { why: "Messages that arrive together leave together", step: /^\["post","4one/, official: /"4one"$/, ours: /"4one\\u001e4two"$/, parts: true },
  { why: "A close frame is answered with its code", step: /^\["frame",8/, official: /close 1001 "bye"/, ours: /close 1001 ""/ },

  { why: http, step: /"method":"HEAD"/, official: /^request 1: 400 \[content-type: application\/json\] ""$/, ours: /\[content-length: \d+\]/ },
  // Requests that wait in one connection: there one after the other, in Node.js all at once, so that two POSTs overlap.
  { why: http, script: /connections: .* in one piece/, official: null, parts: true, sometimes: true },
  { why: http, script: /HTTP 1\.0/, official: /\[connection: close\]/ },
  { why: http, script: /control character/, ours: /"400 Bad Request"/ },
  { why: http, script: /unknown expectation/, ours: /417/, parts: true },
  { why: http, script: /half connection ends/, parts: true },
  { why: http, script: /bad chunk/, parts: true },
  { why: http, script: /routing: GET/, ours: /307 .*Redirect/ },
  { why: http, script: /%65/, official: /404/, ours: /200/ },
  { why: http, script: /an upgrade elsewhere/, parts: true },
];
