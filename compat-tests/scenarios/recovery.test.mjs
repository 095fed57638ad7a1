import assert from "node:assert/strict";
import { describe } from "node:test";
import { covers } from "../lib/covers.mjs";
import { once } from "../lib/deadline.mjs";
import { freePorts } from "../lib/ports.mjs";
import { test } from "../lib/results.mjs";
import { startServer, target } from "../lib/server.mjs";
import { ask, connect, connected, open, plainly, record, scenario, settled, useServer } from "../lib/suite.mjs";

const server = useServer("-recovery");
const official = target !== "go";
const polite = { auth: { word: "please" } }; // how to get into /refused, where nothing is sent unasked

/** Breaks the connection of a client, and waits until the server has noticed, of which witness is told. */
async function lose(socket, witness) {
  const { id, io } = socket;
  const lost = once(socket, "disconnect");
  if (io.engine.transport.name === "websocket") {
    io.engine.transport.ws.terminate();
  } else {
    io.engine.close();
  }
  await lost;
  while ((await ask(witness, "present", id))[0]) {
    // a moment later
  }
}

/** Lets a client whose connection broke come back. */
async function comeBack(socket) {
  socket.connect();
  await connected(socket);
}

/** What a client received of an event, without the offset behind it. */
function arrivals(socket, ...names) {
  const list = [];
  for (const name of names) {
    socket.on(name, (...args) => {
      assert.equal(typeof args.pop(), "string", "an offset is the last argument");
      list.push([name, ...args]);
    });
  }
  return list;
}

/** Waits until everything has arrived that the server had sent when it was called. */
const caughtUp = (socket) => ask(socket, "state");

scenario("missed events arrive in order and once, binary too, again and again", { from: "4.6" }, async (t, way) => {
  covers("socketio/connection-state-recovery/1 easy/47 easy/48 easy/50");
  const socket = await settled(t, server.url, way);
  const other = await connect(t, server.url, way);
  const { id } = socket;
  await ask(socket, "join", "room");
  await caughtUp(socket);
  const got = arrivals(socket, "broadcast", "room", "direct");
  const want = [];
  for (let round = 0; round < 4; round++) {
    const first = [["broadcast", "seen", round], ["room", round, Buffer.from([round, 255])]];
    other.emit(...first[0]);
    other.emit("room", "room", ...first[1].slice(1));
    await caughtUp(other);
    await caughtUp(socket);
    await lose(socket, other);
    const missed = [
      ["broadcast", { round }, [Buffer.alloc(round * 100_000, round)]],
      ["room", "é\u2028", round],
      ["direct", round],
      ["broadcast", "x".repeat(1000 * round)],
    ];
    other.emit(...missed[0]);
    other.emit("room", "room", ...missed[1].slice(1));
    other.emit("room", "another room", "not for everybody");
    other.emit("direct", id, ...missed[2].slice(1));
    other.emit("direct", other.id, "not for everybody");
    other.emit(...missed[3]);
    await caughtUp(other);
    let before;
    socket.once("connect", () => (before = got.length));
    await comeBack(socket);
    want.push(...first, ...missed);
    assert.equal(before, want.length, "missed events come before the client hears that it is connected");
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);
  }
  other.emit("broadcast", "and on");
  await caughtUp(other);
  await caughtUp(socket);
  want.push(["broadcast", "and on"]);
  assert.deepEqual(got, want);
});

scenario("a missed event arrives whatever its size", { from: "4.6" }, async (t, way) => {
  const socket = await settled(t, server.url, way);
  const other = await connect(t, server.url, way);
  await caughtUp(socket);
  const got = [];
  socket.on("large", (text, end) => got.push([text.length, end]));
  for (const size of way.settles === "websocket" ? [9, 20] : [9]) {
    await lose(socket, other);
    other.emit("large", "all", [size], false);
    await caughtUp(other);
    await comeBack(socket);
    assert.equal(socket.recovered, true);
    assert.deepEqual(got.splice(0), [[size * 1_000_000, "end"]]);
  }
});

scenario("rooms and data are kept", { from: "4.6" }, async (t, way) => {
  covers("socketio/connection-state-recovery/2");
  const socket = await settled(t, server.url, way);
  const other = await connect(t, server.url, way);
  const { id } = socket;
  assert.equal(socket.recovered ?? false, false);
  await ask(socket, "join", "a");
  await ask(socket, "join", "b");
  await ask(socket, "leave", "a");
  await ask(socket, "remember", "me");
  for (let round = 0; round < 2; round++) {
    await lose(socket, other);
    await comeBack(socket);
    const [{ recovered, remembered, rooms }] = await ask(socket, "state");
    assert.deepEqual([recovered, remembered, rooms.sort()], [true, "me", ["b", id].sort()]);
  }
});

scenario("middlewares are skipped", { from: "4.6" }, async (t, way) => {
  covers("socketio/connection-state-recovery/3 easy/51");
  const socket = await settled(t, `${server.url}/refused`, way, polite);
  const other = await connect(t, `${server.url}/refused`, way, polite);
  other.emit("direct", socket.id, "something to have an offset");
  await once(socket, "direct");
  await lose(socket, other);
  socket.auth = {};
  await comeBack(socket);
  assert.equal(socket.recovered, true);
});

scenario("who leaves, and whom the server disconnects, is not recovered", { from: "4.6" }, async (t, way) => {
  covers("easy/49");
  const socket = await settled(t, server.url, way);
  const witness = await connect(t, server.url, way);
  for (const leave of [() => socket.disconnect(), () => socket.emit("bye"), () => socket.emit("close")]) {
    const before = socket.id;
    const left = once(socket, "disconnect");
    leave();
    await left;
    while ((await ask(witness, "present", before))[0]) {
      // Over polling the news may be overtaken by the client's next connection.
    }
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, before);
  }
});

// The official server recovers no client that has received nothing yet.
scenario("a client without an offset", { from: "4.6" }, async (t, way) => {
  const socket = await settled(t, `${server.url}/refused`, way, polite);
  const other = await connect(t, `${server.url}/refused`, way, polite);
  const { id } = socket;
  const got = arrivals(socket, "direct");
  await lose(socket, other);
  other.emit("direct", id, "missed");
  await caughtUp(other);
  await comeBack(socket);
  assert.equal(socket.recovered, !official);
  assert.deepEqual(got, official ? [] : [["direct", "missed"]]);
});

// The client takes the last string of an event for an offset. That of the official server's volatile events is anything.
scenario("a volatile event that ends with a string", { from: "4.6" }, async (t, way) => {
  const socket = await settled(t, server.url, way);
  const other = await connect(t, server.url, way);
  await caughtUp(socket);
  let arrived = false;
  socket.on("loosely", () => (arrived = true));
  while (!arrived) { // over polling, when a request happens to wait for it
    other.emit("loosely", "text");
    await caughtUp(other);
  }
  await lose(socket, other);
  const got = arrivals(socket, "broadcast");
  other.emit("broadcast", "missed");
  await caughtUp(other);
  await comeBack(socket);
  assert.equal(socket.recovered, !official);
  assert.deepEqual(got, official ? [] : [["broadcast", "missed"]]);
});

// The official server waits until it has noticed itself that a connection is dead.
scenario("a client that is back before the server has noticed that it was gone", { from: "4.6" }, async (t, way) => {
  const first = await settled(t, server.url, way);
  const other = await connect(t, server.url, way);
  await ask(first, "join", "room");
  await ask(first, "remember", "me");
  const { id, _pid: pid, _lastOffset: offset } = first;
  const second = open(t, server.url, way, { autoConnect: false });
  Object.assign(second, { _pid: pid, _lastOffset: offset });
  const got = arrivals(second, "room");
  other.emit("room", "room", "once");
  await caughtUp(other);
  await comeBack(second);
  if (official) {
    assert.equal(second.recovered, false);
    return;
  }
  assert.deepEqual([second.recovered, second.id], [true, id]);
  const [state] = await ask(second, "state");
  assert.deepEqual([state.recovered, state.remembered, state.rooms.sort()], [true, "me", [id, "room"].sort()]);
  other.emit("room", "room", "twice");
  await caughtUp(other);
  await caughtUp(second);
  assert.deepEqual(got, [["room", "once"], ["room", "twice"]]);
});

describe("with limits", () => {
  test("who was away for too long is somebody new", async (t) => {
    const { url, kill } = await startServer(["-recovery", "-recovery-duration", "300ms"]);
    t.after(kill);
    const socket = await connect(t, url, plainly);
    const other = await connect(t, url, plainly);
    await caughtUp(socket);
    await lose(socket, other);
    await new Promise((done) => setTimeout(done, 400)); // the time itself is what is tested
    await comeBack(socket);
    assert.equal(socket.recovered, false);
  });

  test("middlewares run where the server wants it", async (t) => {
    covers("socketio/connection-state-recovery/4");
    const { url, kill } = await startServer(["-recovery", "-recovery-run-middlewares"]);
    t.after(kill);
    const socket = await connect(t, `${url}/refused`, plainly, polite);
    const other = await connect(t, `${url}/refused`, plainly, polite);
    other.emit("direct", socket.id, "something to have an offset");
    await once(socket, "direct");
    await lose(socket, other);
    socket.auth = {};
    const refused = once(socket, "connect_error");
    socket.connect();
    assert.equal((await refused)[0].message, "say the word");
    socket.auth = polite.auth;
    await comeBack(socket);
    assert.equal(socket.recovered, true);
  });

  test("a server that was started again knows nobody", async (t) => {
    const [port] = await freePorts(1);
    let { url, kill } = await startServer(["-recovery"], { port });
    t.after(() => kill());
    const socket = await connect(t, url, plainly);
    await caughtUp(socket);
    const lost = once(socket, "disconnect");
    await kill();
    await lost;
    ({ kill } = await startServer(["-recovery"], { port }));
    for (let round = 0; round < 2; round++) {
      const before = socket.id;
      await comeBack(socket);
      assert.equal(socket.recovered, false);
      assert.notEqual(socket.id, before);
      await caughtUp(socket);
      const gone = once(socket, "disconnect");
      socket.disconnect();
      await gone;
    }
  });
});

describe("without recovery", () => {
  const plain = useServer();

  test("events have no offset and nobody is recovered", async (t) => {
    covers("socketio/connection-state-recovery/6");
    const socket = await connect(t, plain.url, plainly);
    const other = await connect(t, plain.url, plainly);
    const got = record(socket, "broadcast");
    other.emit("broadcast", 1);
    assert.deepEqual(await got.next(), [1]);
    assert.equal(socket._pid, undefined);
    await lose(socket, other);
    await comeBack(socket);
    assert.equal(socket.recovered ?? false, false);
  });
});
