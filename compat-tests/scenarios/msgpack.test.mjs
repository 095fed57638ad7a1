// What is special about socket.io-msgpack-parser. That clients which use it can do all that others do, the other files
// show: it is one of their clients.

import { once } from "../lib/deadline.mjs";
import { open, scenario, useServer } from "../lib/suite.mjs";

const server = useServer("-parser", "msgpack");

scenario("a client that speaks the default form is cut off", { newest: true, usual: true, transports: ["websocket"] }, async (t, way) => {
  const socket = open(t, server.url, way);
  await once(socket.io, "close");
});
