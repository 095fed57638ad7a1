// Clients whose connection breaks come back on another server, as the sockets that they were.

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { once, within } from "../lib/deadline.mjs";
import { ask, connect, connected, open, plainly, received } from "../lib/suite.mjs";
import { until } from "../lib/redis.mjs";
import { reach } from "./mix.mjs";

export const recovery = [];

function scenario(name, run, fits) {
  recovery.push({ name, run, fits });
}

/** Everything of that name that a client receives, without the offsets that come last. */
function collect(socket, name) {
  const list = [];
  socket.on(name, (...args) => list.push(received(args.slice(0, -1))));
  return list;
}

/**
 * Waits until the session of a client that has just come to a server of ours is stored, which it is within 50 ms. Servers with NATS in
 * themselves cannot be asked: on a busy machine three of them may need a while to store it.
 */
async function stored({ mix: { wire, broker, key } }, { _pid: pid }) {
  if (!wire.session) {
    await setTimeout(500);
    return;
  }
  await until(async () => (await wire.session(broker, key, pid))?.pid === pid, "the stored session");
}

/** Breaks a client's connection, and waits until its server has noticed. */
async function cut(socket) {
  const gone = once(socket, "disconnect");
  socket.io.engine.close();
  await gone;
}

/** Connects a client again, to the server at url. */
async function comeBack(socket, url) {
  socket.io.uri = url;
  socket.connect();
  await connected(socket);
}

/** Waits for the event "end", after which nothing is under way to a client. */
async function end(c, from, socket) {
  const heard = once(socket, "end");
  from.emit("say", {}, "end");
  await heard;
}

scenario("a client comes back on the other server, and has missed nothing", async (c, t) => {
  const [here, there] = c.servers.map(({ url }) => url);
  const [room, other, without] = [c.room(), c.room("other"), c.room("without")];
  const socket = await connect(t, here, plainly);
  await ask(socket, "join", room);
  await ask(socket, "join", without);
  await ask(socket, "remember", "something");
  await reach(c.b, { rooms: [room] }, [socket]);
  await c.fence();
  if (c.servers[0].go) {
    await stored(c, socket);
  }
  const heard = collect(socket, "missed");
  const { id } = socket;
  await cut(socket);

  const say = (from, how, ...args) => from.emit("say", how, "missed", ...args);
  for (const [i, from] of [c.a, c.b].entries()) {
    say(from, { rooms: [room] }, i, "room");
    say(from, { rooms: [id] }, i, "binary", Buffer.from([i]), { deep: [Buffer.alloc(0)] });
    say(from, { rooms: [other] }, i, "not for it");
    say(from, { except: [without] }, i, "but not to it");
    say(from, { volatile: true }, i, "volatile");
    say(from, {}, i, "all");
    await c.fence(); // the order of two servers is that of arrival
  }
  await comeBack(socket, there);
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  await end(c, c.a, socket);
  // Official servers replay what was volatile, too.
  const volatile = (i) => (c.servers[1].go ? [] : [[i, "volatile"]]);
  const missed = (i) => [[i, "room"], [i, "binary", Buffer.from([i]), { deep: [Buffer.alloc(0)] }], ...volatile(i), [i, "all"]];
  assert.deepEqual(heard, [...missed(0), ...missed(1)]);
  const [state] = await ask(socket, "state");
  assert.deepEqual({ ...state, rooms: state.rooms.toSorted() }, { recovered: true, remembered: "something", rooms: [id, room, without].toSorted() });
  say(c.a, { rooms: [room] }, "again");
  await end(c, c.a, socket);
  assert.deepEqual(heard.slice(missed(0).length * 2), [["again"]]);
});

scenario("events go on while a client changes servers, again and again", async (c, t) => {
  const urls = c.servers.map(({ url }) => url);
  const socket = await connect(t, urls[0], plainly);
  await reach(c.b, {}, [socket]);
  const heard = collect(socket, "count");
  let n = 0;
  const timer = setInterval(() => c.a.emit("say", {}, "count", n++), 2);
  t.after(() => clearInterval(timer));
  for (let i = 1; i <= 6; i++) {
    await stored(c, socket);
    const goal = n + 50;
    await within(new Promise((resolve) => socket.on("count", (got) => got >= goal && resolve())), "events after coming");
    await cut(socket);
    await comeBack(socket, urls[i % urls.length]);
    assert.equal(socket.recovered, true);
  }
  clearInterval(timer);
  await end(c, c.a, socket);
  assert.deepEqual(heard.map(([i]) => i), Array.from({ length: heard.length }, (_, i) => heard[0][0] + i));
}, (names) => names.every((name) => name === "here")); // official servers lose some, or come too late with the session

scenario("a session is restored once, and not with an offset that nobody gave", async (c, t) => {
  const [here, there] = c.servers.map(({ url }) => url);
  const socket = await connect(t, here, plainly);
  await reach(c.b, {}, [socket]);
  await c.fence();
  if (c.servers[0].go) {
    await stored(c, socket);
  }
  const { id, _pid: pid, _lastOffset: offset } = socket;
  await cut(socket);
  const back = (url, auth) => {
    const copy = open(t, url, plainly, { autoConnect: false });
    Object.assign(copy, auth);
    copy.connect();
    return connected(copy).then(() => copy);
  };
  const stranger = await back(there, { _pid: "A".repeat(20), _lastOffset: offset });
  assert.equal(stranger.recovered, false);
  const first = await back(there, { _pid: pid, _lastOffset: offset });
  assert.equal(first.recovered, true);
  assert.equal(first.id, id);
  // Ours takes a second one for the same client, whose first connection is broken and not given up yet.
  if (c.servers[1].go) {
    await stored(c, first);
  }
  const ended = c.servers[1].go && once(first, "disconnect");
  const second = await back(there, { _pid: pid, _lastOffset: offset });
  assert.equal(second.recovered, c.servers[1].go);
  assert.equal(second.id === id, c.servers[1].go);
  await ended;
  await c.fence();
  const last = second.recovered ? second : first;
  const { _pid: again } = last;
  await cut(last);
  const wrong = await back(here, { _pid: again, _lastOffset: "nonsense" });
  assert.equal(wrong.recovered, false);
});

scenario("a client comes back from a server of ours that was killed", async (c, t) => {
  const victim = await c.mix.add("here");
  t.after(() => c.mix.servers.splice(c.mix.servers.indexOf(victim), 1));
  const socket = await connect(t, victim.url, plainly);
  const room = c.room();
  await ask(socket, "join", room);
  await reach(c.a, { rooms: [room] }, [socket]);
  await ask(socket, "remember", "it");
  const heard = collect(socket, "missed");
  const { id, _pid: pid } = socket;
  await until(async () => {
    const { rooms = [], data } = (await c.mix.wire.session(c.mix.broker, c.mix.key, pid)) ?? {};
    return rooms.includes(room) && data?.remembered === "it";
  }, "the stored session");
  const gone = once(socket, "disconnect");
  await victim.kill();
  await gone;
  for (let i = 0; i < 10; i++) {
    c.all[i % 2].emit("say", { rooms: [room] }, "missed", i);
    await ask(c.all[i % 2], "whoami");
  }
  await comeBack(socket, c.servers[1].url);
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  await end(c, c.a, socket);
  assert.deepEqual(heard.map(([i]) => i).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal((await ask(socket, "state"))[0].remembered, "it");
}, (names) => names.includes("here"));
