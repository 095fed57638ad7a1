// Connection state recovery: sessions that are lost, asked for again, and not there any more. The ids of a script count up in the
// order of their appearance: <sid 1> is the engine's, <sid 2> the socket's, <pid 3> the session's, <offset 4> that of the greeting.

import { SOCKETS, table } from "./table.mjs";

// Each script has a room of its own: they are played at the same time.
const room = "room of a script";
const settle = ({ name, scripts }) => ({
  name,
  scripts: scripts.map((script) => ({ ...script, steps: JSON.parse(JSON.stringify(script.steps).replaceAll(room, script.name)) })),
});

const ask = (rest) => `40{"pid":"<pid 3>","offset":"<offset 4>"${rest ?? ""}}`;

/** A client that joins a room and is cut off, while another one speaks there. */
const lost = [["ws"], ["send", "40"], ["send", `421["join",${JSON.stringify(room)}]`], ["cut", "ws"]];
const spoken = (...events) => [["as", "other"], ["ws"], ["send", "40"], ...events.map((event) => ["send", event])];
const said = (text) => `42["room",${JSON.stringify(room)},${JSON.stringify(text)}]`;
const back = (...packets) => [["as", "again"], ["ws"], ...packets.map((packet) => ["send", packet])];
const alive = ['421["whoami"]', '42["echo",1]'];

const refused = {
  "an unknown session": '40{"pid":"nobody","offset":"<offset 4>"}',
  "an unknown offset": '40{"pid":"<pid 3>","offset":"nowhere"}',
  "an offset that is a number": '40{"pid":"<pid 3>","offset":1}',
  "a session that is a number": '40{"pid":1,"offset":"<offset 4>"}',
  "an empty session": '40{"pid":"","offset":"<offset 4>"}',
  "an empty offset": '40{"pid":"<pid 3>","offset":""}',
  "a session __proto__": '40{"pid":"__proto__","offset":"<offset 4>"}',
  "only an offset": '40{"offset":"<offset 4>"}',
};

const scripts = table("recovery", { at: SOCKETS, server: ["-recovery"], recovery: true }, {
  "the greeting": [["ws"], ["send", "40"]],
  "the greeting over polling": [["open"], ["poll"], ["post", "40"]],
  "events have an offset": [["ws"], ["send", "40"], ["send", '42["echo"]'], ["send", '42["echo","x",{"a":1}]']],
  "binary events have an offset": [["ws"], ["send", "40"], ["send", '451-["bin",{"_placeholder":true,"num":0}]'], ["bytes", "0102"]],
  "acknowledgements have none": [["ws"], ["send", "40"], ["send", '421["ack","x"]']],
  "questions have none": [["ws"], ["send", "40"], ["send", '42["ask"]']],
  "coming back": [...lost, ...back(ask(), ...alive)],
  "coming back to what was missed": [...lost, ...spoken(said("one"), said("two")), ...back(ask(), ...alive)],
  "coming back to binary": [
    ...lost,
    ...spoken(),
    ["send", `451-["room",${JSON.stringify(room)},{"_placeholder":true,"num":0}]`],
    ["bytes", "0102ff"],
    ...back(ask(), ...alive),
  ],
  "coming back over polling": [...lost, ...spoken(said("one")), ["as", "again"], ["open"], ["poll"], ["post", ask()], ["post", '421["whoami"]']],
  "coming back with auth": [...lost, ...back(ask(',"token":"x"'), '421["whoami"]')],
  "coming back to what was said elsewhere": [...lost, ...spoken('42["room","elsewhere","not for them"]'), ...back(ask())],
  "coming back after a close frame": [["ws"], ["send", "40"], ["frame", 8], ...back(ask(), '421["whoami"]')],
  "coming back after having left": [["ws"], ["send", "40"], ["send", "41"], ["cut", "ws"], ...back(ask())],
  "coming back after having been put out": [["ws"], ["send", "40"], ["send", '42["bye"]'], ["cut", "ws"], ...back(ask())],
  "coming back after having broken the rules": [["ws"], ["send", "40"], ["send", "44"], ...back(ask(), '421["whoami"]')],
  "coming back after a parse error": [["ws"], ["send", "40"], ["send", "x"], ...back(ask())],
  "coming back to another namespace": [...lost, ...back(ask().replace("40", "40/chat,"))],
  "coming back to /chat": [["ws"], ["send", "40/chat,"], ["cut", "ws"], ...back(ask().replace("40", "40/chat,"), '42/chat,1["whoami"]')],
  "coming back twice over": [...lost, ...spoken(said("one")), ...back(ask()), ["cut", "ws"], ["as", "third"], ["ws"], ["send", ask()], ["send", '421["whoami"]']],
  ...Object.fromEntries(Object.entries(refused).map(([name, packet]) => [name, [...lost, ...back(packet, '42["echo",1]')]])),
});

export default settle(scripts);
