// What servers of a cluster do for each other's clients.

import assert from "node:assert/strict";
import { once, within } from "../lib/deadline.mjs";
import { ask, connect, connected, plainly, record } from "../lib/suite.mjs";
import { reach } from "./mix.mjs";
import { until } from "../lib/redis.mjs";
import { oddNamesOn } from "../oracle/commands.mjs";

export const scenarios = [];

function scenario(name, run) {
  scenarios.push({ name, run });
}

/** Asserts that no inbox has anything, once everything on the way has come. */
async function getNothing(c, ...inboxes) {
  await c.fence();
  for (const inbox of inboxes) {
    assert.deepEqual(inbox.drain(), []);
  }
}

scenario("an event for everybody, text and binary", async (c) => {
  const heard = c.hear("all");
  const events = [
    ["text", 1, null, true, 1.5, -3, 2 ** 32, { "é\u2028": [] }],
    [Buffer.from([1, 2]), { deep: [Buffer.alloc(0), "x"] }, "after"],
    [],
  ];
  events.forEach((args) => c.a.emit("say", {}, "all", ...args));
  await c.gets(heard, ...events);
  await getNothing(c, ...heard);
});

scenario("rooms", async (c) => {
  const [red, blue] = [c.room("red"), c.room("blue")];
  await c.join(red, ...c.others);
  await c.join(blue, c.a);
  const [a, ...others] = c.hear("room");
  const say = (how, ...args) => c.a.emit("say", how, "room", ...args);
  say({ rooms: [red] }, "red", Buffer.from("binary"));
  say({ rooms: [red, blue] }, "both");
  say({ rooms: [red, blue], except: [blue] }, "not blue");
  say({ rooms: [red, blue], except: [red] }, "not red");
  say({ except: [red] }, "whoever is not red");
  say({ socket: true }, "others");
  say({ socket: true, rooms: [red, blue] }, "others in both");
  say({ rooms: [c.room("empty")] }, "nobody");
  say({ rooms: c.others.map(({ id }) => id) }, "by id");
  say({ rooms: c.all.map(({ id }) => id), except: [c.a.id] }, "by id, without one");
  await c.gets(others, ["red", Buffer.from("binary")], ["both"], ["not blue"], ["others"], ["others in both"], ["by id"], ["by id, without one"]);
  await c.gets([a], ["both"], ["not red"], ["whoever is not red"]);
  await getNothing(c, a, ...others);
});

scenario("a client that joins later and leaves", async (c) => {
  const room = c.room();
  const heard = record(c.b, "room");
  c.a.emit("say", { rooms: [room] }, "room", "before");
  await c.fence();
  await c.join(room, c.b);
  c.a.emit("say", { rooms: [room] }, "room", "inside");
  await c.gets([heard], ["inside"]);
  await ask(c.b, "leave", room);
  c.a.emit("say", { rooms: [room] }, "room", "after");
  await getNothing(c, heard);
});

scenario("who has joined a room on a server of ours is reached from then on", async (c) => {
  if (!c.servers[1].go) {
    return; // an official server subscribes later
  }
  const heard = record(c.b, "at once");
  for (let i = 0; i < 20; i++) {
    const room = c.room();
    await ask(c.b, "join", room);
    c.a.emit("say", { rooms: [room] }, "at once", i);
    assert.deepEqual(await heard.next(), [i]);
    await ask(c.b, "leave", room);
  }
});

scenario("flags", async (c) => {
  const [a, ...others] = c.hear("flag");
  const everybody = [a, ...others].map((inbox, i) => [c.all[i], inbox]);
  for (const [i, how] of [{ volatile: true }, { compress: false }, { volatile: true, compress: false }].entries()) {
    const say = (to) => c.a.emit("say", { ...how, ...to }, "flag", i, Buffer.from("binary"));
    await c.getsVolatile(everybody, say, [i, Buffer.from("binary")]); // one at a time: a volatile event does not wait for the one before
  }
  c.a.emit("say", { local: true }, "flag", "here only");
  await c.gets([a], ["here only"]);
  await getNothing(c, a, ...others);
});

scenario("values that only servers have", async (c) => {
  const heard = c.hear("values");
  const text = ["2023-11-14T22:13:20.123Z", null, { here: 1 }, null, 2 ** 32, -129, Number.MAX_SAFE_INTEGER, 2 ** 60, 1.5, "é€😀\u2028\0", null, [[], {}]];
  const binary = [...text, Buffer.from([1, 2, 3]), Buffer.from([4]), { deep: [Buffer.alloc(0)] }];
  c.a.emit("say-values", {}, "values", false);
  c.a.emit("say-values", {}, "values", true);
  for (const inbox of heard) {
    for (const expected of [text, binary]) {
      const got = await inbox.next();
      if (got[2].gone === null) {
        delete got[2].gone; // so the official streams adapter sends undefined beside binary data
      }
      assert.deepEqual(got, expected);
    }
  }
});

scenario("numbers as names of rooms", async (c) => {
  // In JavaScript 42 and "42" are two rooms; in Go there is "42" only.
  const number = 1_000_000 + Number(c.room().split("-")[1]);
  const [from, to] = c.servers;
  const said = from.go ? String(number) : number;
  await (from.go || to.go ? c.join(String(number), c.b) : ask(c.b, "join", number));
  const heard = record(c.b, "numeric");
  await c.fence();
  c.a.emit("say", { rooms: [said] }, "numeric", 1);
  c.a.emit("say", { rooms: [said, "other"] }, "numeric", 2);
  c.a.emit("say", { except: [said] }, "numeric", 3);
  await c.gets([heard], [1], [2]);
  await getNothing(c, heard);
});

scenario("many events in order, each once", async (c) => {
  const heard = c.hear("count");
  for (let i = 0; i < 300; i++) {
    c.a.emit("say", {}, "count", ...(i % 3 === 0 ? [i, Buffer.from([i % 256])] : [i]));
  }
  for (const inbox of heard) {
    const all = (await inbox.take(300)).map(([i]) => i);
    if (c.mix.wire.unordered && !c.ordered) {
      all.sort((a, b) => a - b);
    }
    assert.deepEqual(all, Array.from({ length: 300 }, (_, i) => i));
  }
});

scenario("a large event", async (c) => {
  const heard = c.hear("large");
  const text = "é".repeat(100_000);
  const binary = Buffer.alloc(300_000, 7);
  c.a.emit("say", {}, "large", text);
  c.a.emit("say", {}, "large", binary);
  await c.gets(heard, [text], [binary]);
});

/** Sorts answers, so that lists of them can be compared. */
function sorted(answers) {
  return answers.map((answer) => (Buffer.isBuffer(answer) ? { hex: answer.toString("hex") } : answer)).sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

scenario("acknowledgements of a broadcast", async (c) => {
  const room = c.room();
  await c.join(room, ...c.all);
  const call = (how, ms, ...args) => ask(c.a, "call", how, ms, "vote", ...args);

  const values = ["from a", { nested: [1, null, "é"] }, 3];
  c.all.forEach((client, i) => client.on("vote", (question, answer) => answer({ i, value: values[i], question }, "ignored")));
  for (const how of [{ rooms: [room] }, { rooms: c.all.map(({ id }) => id) }]) {
    const [error, answers] = await call(how, 5_000, "why?");
    assert.equal(error, null);
    assert.deepEqual(sorted(answers), c.all.map((_, i) => ({ i, value: values[i], question: "why?" })));
  }

  c.all.forEach((client, i) => client.off("vote").on("vote", (question, answer) => answer(Buffer.concat([question, Buffer.from([i])]))));
  const [failed, bytes] = await call({ rooms: [room] }, 5_000, Buffer.from("q"));
  assert.equal(failed, null);
  assert.deepEqual(sorted(bytes), c.all.map((_, i) => ({ hex: `710${i}` })));

  assert.deepEqual(await call({ rooms: [c.room("empty")] }, 5_000), [null, []]);
  assert.deepEqual(await call({ rooms: [room], except: [c.a.id, c.b.id] }, 5_000, Buffer.from("q")), [null, c.all.length === 3 ? [Buffer.from("q\x02")] : []]);
});

scenario("acknowledgements without a value, and too late", async (c) => {
  const room = c.room();
  await c.join(room, c.a, c.b);
  c.a.on("vote", (answer) => answer("a"));
  c.b.on("vote", (answer) => answer());
  const [error, answers] = await ask(c.a, "call", { rooms: [room] }, 5_000, "vote");
  assert.equal(error, null);
  assert.deepEqual(sorted(answers), ["a", null]);

  c.b.off("vote");
  for (const ms of [300, 4_000]) { // on a busy machine a, too, may be too late the first time
    const [late, some] = await ask(c.a, "call", { rooms: [room] }, ms, "vote");
    assert.equal(late, "operation has timed out");
    if (some.length > 0 || ms > 300) {
      assert.deepEqual(some, ["a"]);
      break;
    }
  }
});

scenario("a question to one socket on another server", async (c) => {
  c.others.forEach((client, i) => client.on("one", (question, answer) => answer([i, question])));
  c.a.on("one", (_, answer) => answer("the wrong one"));
  for (const [i, client] of c.others.entries()) {
    assert.deepEqual(await ask(c.a, "call-one", client.id, 5_000, "one", { q: 1 }), [null, [i, { q: 1 }]]);
  }
  c.b.off("one").on("one", (question, answer) => answer(question));
  assert.deepEqual(await ask(c.a, "call-one", c.b.id, 5_000, "one", Buffer.from("b")), [null, Buffer.from("b")]);
  c.b.off("one");
  assert.deepEqual(await ask(c.a, "call-one", c.b.id, 300, "one", 1), ["operation has timed out"]);
});

scenario("sockets are found, with what is known of them", async (c, t) => {
  const room = c.room();
  assert.deepEqual(await ask(c.a, "fetch", { rooms: [room] }), [[], null]);
  const headers = { "x-one": "1", cookie: "k=v" };
  const b = await connect(t, `${c.servers[1].url}?é=ü&n=1`, plainly, { auth: { who: "b", deep: { list: [1, null] } }, extraHeaders: headers });
  await c.join(room, b);
  await c.join(c.room("other"), b);
  const kept = { name: "é", list: [1, { x: null }], none: null };
  await ask(b, "keep", kept);
  const [found] = await ask(c.a, "fetch", { rooms: [room] });
  assert.equal(found.length, 1);
  const [{ id, rooms, data, handshake }] = found;
  assert.equal(id, b.id);
  assert.match(id, /^[A-Za-z0-9_-]{20}$/);
  assert.equal(rooms.length, 3);
  assert.ok(rooms.includes(room) && rooms.includes(id));
  assert.deepEqual(data, { kept });
  assert.deepEqual(handshake.auth, { who: "b", deep: { list: [1, null] } });
  assert.equal(handshake.headers["x-one"], "1");
  assert.equal(handshake.headers.cookie, "k=v");
  assert.equal(handshake.headers.host, c.servers[1].url.slice("http://".length));
  assert.deepEqual(Object.values(handshake.headers).filter((value) => typeof value !== "string"), []);
  assert.deepEqual(handshake.query, { "é": "ü", n: "1", EIO: "4", transport: "websocket" });
  assert.equal(handshake.address, "127.0.0.1");
  assert.equal(handshake.secure, false);
  assert.equal(handshake.xdomain, false);
  assert.ok(Math.abs(handshake.issued - Date.now()) < 60_000);
  assert.ok(Math.abs(Date.parse(handshake.time) - Date.now()) < 60_000);
  assert.match(handshake.url, /^\/socket\.io\/\?/);

  const [plain] = await ask(c.a, "fetch", { rooms: [c.b.id] });
  assert.deepEqual(plain[0].data, {}); // an object, also when nothing is kept
  const [several] = await ask(c.a, "fetch", { rooms: [...c.all.map((client) => client.id), room], except: [room] });
  assert.deepEqual(several.map((socket) => socket.id).sort(), c.all.map((client) => client.id).sort());
  const [mine] = await ask(c.a, "fetch", { local: true, rooms: c.all.map((client) => client.id) });
  assert.deepEqual(mine.map((socket) => socket.id), [c.a.id]);
});

scenario("sockets of all servers join and leave, each once", async (c) => {
  const [first, second, third] = [c.room(), c.room(), c.room()];
  await c.join(first, ...c.all);
  await ask(c.a, "join-all", { rooms: [first] }, [second, third]);
  for (const client of c.all) {
    await until(async () => (await ask(client, "whoami"))[0].rooms.includes(third), "joining");
    assert.ok((await ask(client, "whoami"))[0].rooms.includes(second));
  }
  await ask(c.a, "leave-all", { rooms: [first], except: [c.b.id] }, [second]);
  await c.fence();
  await ask(c.a, "join-all", { rooms: [c.b.id] }, [c.room("a fence")]);
  await until(async () => (await ask(c.b, "whoami"))[0].rooms.length === 5, "joining");
  for (const client of c.all) {
    await until(async () => (await ask(client, "whoami"))[0].rooms.includes(second) === (client === c.b), "leaving");
  }
  await ask(c.a, "leave-all", { rooms: [second, first] }, [third]);
  for (const client of c.all) {
    await until(async () => !(await ask(client, "whoami"))[0].rooms.includes(third), "leaving");
    // Each server has done it once, the one that said so too.
    assert.deepEqual(await ask(client, "history", third), [[["join", client.id], ["leave", client.id]]]);
  }
});

scenario("commands in quick succession are done once, and in order", async (c) => {
  const room = c.room();
  const ids = c.all.map(({ id }) => id);
  for (let i = 0; i < 20; i++) {
    await ask(c.a, "join-all", { rooms: ids }, [room]);
    await ask(c.a, "leave-all", { rooms: ids }, [room]);
  }
  for (const client of c.all) {
    await until(async () => (await ask(client, "history", room))[0].length >= 40, "40 changes");
  }
  await c.fence();
  for (const client of c.all) {
    const [history] = await ask(client, "history", room);
    assert.deepEqual(history, Array.from({ length: 40 }, (_, i) => [i % 2 === 0 ? "join" : "leave", client.id]));
  }
});

scenario("sockets are disconnected, after what was sent before", async (c, t) => {
  const room = c.room();
  const [url] = c.servers.slice(1).map((server) => server.url);
  for (const close of [false, true]) {
    const victim = await connect(t, url, plainly);
    const other = victim.io.socket("/chat");
    await connected(other);
    await c.join(room, victim);
    await c.fence();
    const heard = record(victim, "room");
    const gone = once(victim, "disconnect");
    const otherGone = close && once(other, "disconnect");
    c.a.emit("say", { rooms: [room] }, "room", "before");
    c.a.emit("disconnect-all", { rooms: [room] }, close);
    assert.deepEqual(await gone, ["io server disconnect", ...(await gone).slice(1)]);
    if (c.ordered) {
      assert.deepEqual(heard.drain(), [["before"]]);
    }
    if (close) {
      await otherGone;
    } else {
      assert.deepEqual(await ask(other, "ack", 1), [1]);
    }
  }
  assert.ok(c.all.every((client) => client.connected));
});

scenario("events for servers, and their answers", async (c) => {
  const [a, ...others] = c.hear("told");
  const json = c.mix.wire.scheme === "redis"; // has no binary here
  const news = ["news", { n: 1, none: null, list: [] }, ...(json ? [] : [Buffer.from([1])])];
  c.a.emit("tell", {}, ...news);
  c.a.emit("tell", {});
  await c.gets(others, news, []);
  const answers = (value) => Array.from(c.others, () => [value]);
  assert.deepEqual(await ask(c.a, "ask-servers", { n: [1, "x"] }), [answers({ n: [1, "x"] })]);
  if (!json) {
    assert.deepEqual(await ask(c.a, "ask-servers", Buffer.from("bytes")), [answers(Buffer.from("bytes"))]);
  }
  await getNothing(c, a);
});

scenario("namespaces, also with odd names", async (c, t) => {
  let last = c.b;
  for (const name of ["/chat", ...oddNamesOn(c.mix.wire.scheme)]) {
    const [a, b] = [c.a.io.socket(name), c.b.io.socket(name)];
    await Promise.all([a, b].map(connected));
    t.after(() => [a, b].forEach((socket) => socket.close()));
    const [heard, elsewhere] = [record(b, "room"), record(last, "room")];
    const room = c.room();
    await Promise.all([ask(b, "join", room), ask(last, "join", room)]);
    await reach(a, { rooms: [room] }, [b]);
    assert.deepEqual(await ask(a, "members", room), [[b.id]]);
    a.emit("room", room, "to the room", Buffer.from("b"));
    a.emit("algebra", [b.id], [], "to one");
    await c.gets([heard], ["to the room", Buffer.from("b")], ["to one"]);
    assert.deepEqual((await ask(a, "ask-servers", name))[0].flat(), c.others.map(() => name));
    await getNothing(c, elsewhere);
    last = b;
  }
});

scenario("a namespace that clients make up", async (c, t) => {
  const name = `/dynamic-${c.room().split("-")[1]}`;
  const sockets = c.all.map((client) => client.io.socket(name));
  t.after(() => sockets.forEach((socket) => socket.close()));
  await Promise.all(sockets.map(connected));
  const heard = sockets.map((socket) => record(socket, "broadcast"));
  // An official server may be ready later than its clients are.
  await until(async () => {
    sockets[0].emit("broadcast", "ready?");
    await ask(sockets[0], "ack");
    return sockets.every((_, i) => heard[i].drain().length > 0);
  }, "an event on each server");
  sockets[0].emit("broadcast", "here", Buffer.from("b"));
  for (const inbox of heard) {
    let event;
    do {
      event = await inbox.next();
    } while (event[0] === "ready?");
    assert.deepEqual(event, ["here", Buffer.from("b")]);
  }
});

scenario("a program that is no server sends events and commands", async (c, t) => {
  const [server] = c.servers;
  if (!(server.go ? c.mix.wire.isRedis : c.mix.wire.hasEmitter)) {
    return;
  }
  const [url] = c.servers.slice(1).map((server) => server.url);
  const victim = await connect(t, url, plainly);
  const [red, blue] = [c.room("red"), c.room("blue")];
  await c.join(red, ...c.others);
  await c.join(blue, c.b);
  await c.fence();
  const [heard, told] = [c.hear("outside"), c.hear("told")];
  const say = (how, ...args) => c.a.emit("say", { emitter: true, ...how }, "outside", ...args);
  const [a, b, third] = heard;
  const flags = (to) => say({ rooms: [red, c.a.id], except: [blue], volatile: true, compress: false, ...to }, "flags");
  await c.getsVolatile([[c.a, a], [c.all[2], third]].filter(([client]) => client), flags, ["flags"]); // volatile: before others
  say({}, "everybody", 1, [null, { x: "é" }]);
  say({ rooms: [red] }, Buffer.from("binary"));
  say({ rooms: [server.go ? "42" : 42, blue] }, "a number too");
  say({}, "the end");
  await c.gets([a], ["everybody", 1, [null, { x: "é" }]], ["the end"]);
  await c.gets([b], ["everybody", 1, [null, { x: "é" }]], [Buffer.from("binary")], ["a number too"], ["the end"]);
  await c.gets(third ? [third] : [], ["everybody", 1, [null, { x: "é" }]], [Buffer.from("binary")], ["the end"]);

  const fourth = c.room();
  await ask(c.a, "join-all", { emitter: true, rooms: [red], except: [c.a.id] }, [fourth, blue]);
  await ask(c.a, "leave-all", { emitter: true, rooms: [blue] }, [red]);
  for (const client of c.others) {
    await until(async () => (await ask(client, "whoami"))[0].rooms.toSorted().join() === [client.id, blue, fourth].toSorted().join(), "rooms");
  }
  c.a.emit("tell", { emitter: true }, "news", { n: 1 });
  await c.gets(told, ["news", { n: 1 }]);
  const gone = once(victim, "disconnect");
  c.a.emit("disconnect-all", { emitter: true, rooms: [victim.id] }, true);
  assert.equal((await gone)[0], "io server disconnect");
  // Nobody counts it as a server.
  assert.deepEqual(await ask(c.a, "servers"), [c.all.length]);
  await getNothing(c, ...heard, ...told);
});
