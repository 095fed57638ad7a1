// A server under test and an official one are a cluster: each does for the clients of the other what one server would do.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { startBus } from "../lib/bus.mjs";
import { once } from "../lib/deadline.mjs";
import { test } from "../lib/results.mjs";
import { startOfficial, startServer, target } from "../lib/server.mjs";
import { ask, connect, plainly, pollInVain, record } from "../lib/suite.mjs";

if (["go", "node"].includes(target)) { // others know no bus
  describe("a cluster with an official server", cluster);
}

function cluster() {
  let bus, official, here, sides;

  before(async () => {
    bus = await startBus();
    official = await startOfficial(["-bus", bus.address]);
    here = await startServer(["-bus", bus.address]);
    sides = [
      { name: "from here to there", from: here.url, to: official.url },
      { name: "from there to here", from: official.url, to: here.url },
    ];
  });
  after(async () => {
    await here?.kill();
    await official?.kill();
    bus?.close();
  });

  /** Declares a test for both directions: a is connected to the one server, b to the other. They know each other then. */
  function both(name, run) {
    for (const i of [0, 1]) {
      test(`${name}, ${["from here to there", "from there to here"][i]}`, { timeout: 60_000 }, async (t) => {
        const a = await connect(t, sides[i].from, plainly, { auth: { who: "a" } });
        const b = await connect(t, sides[i].to, plainly, { auth: { who: "b" } });
        while ((await ask(a, "servers"))[0] < 2) {
          // heartbeats are on their way
        }
        await run(a, b);
      });
    }
  }

  both("a broadcast, with binary data and without", async (a, b) => {
    const heard = [record(a, "broadcast"), record(b, "broadcast")];
    const said = [
      ["text", 1, null, true, 1.5, -3, 2 ** 32, { "é\u2028": [] }],
      [Buffer.from([1, 2]), { deep: [Buffer.alloc(0), "x"] }, "after"],
      [],
    ];
    for (const args of said) {
      a.emit("broadcast", ...args);
    }
    for (const inbox of heard) {
      assert.deepEqual(await inbox.take(said.length), said);
    }
  });

  both("rooms", async (a, b) => {
    await ask(b, "join", "red");
    await ask(a, "join", "blue");
    const heard = { a: record(a, "room"), b: record(b, "room") };
    a.emit("room", "red", "to red");
    a.emit("algebra", ["red", "blue"], ["blue"], "to red but not blue");
    a.emit("others", [], [], "to the others");
    a.emit("algebra", [b.id], [], "to one");
    a.emit("algebra", [a.id, b.id], ["red"], "to who is not in red");
    a.emit("algebra", ["red", "blue"], [], "the end");
    assert.deepEqual(await heard.b.take(5), [["to red"], ["to red but not blue"], ["to the others"], ["to one"], ["the end"]]);
    assert.deepEqual(await heard.a.take(2), [["to who is not in red"], ["the end"]]);
  });

  both("sockets join and leave", async (a, b) => {
    await ask(b, "join", "first");
    await ask(a, "gather", "first", "second");
    while (!(await ask(b, "whoami"))[0].rooms.includes("second")) {
      // it is on its way
    }
    await ask(a, "scatter", "second", "first");
    while ((await ask(b, "whoami"))[0].rooms.includes("first")) {
      // it is on its way
    }
    assert.ok(!(await ask(a, "whoami"))[0].rooms.includes("second"));
  });

  both("sockets are found, with what is known of them", async (a, b) => {
    await ask(b, "join", "find");
    await ask(b, "remember", "something");
    const [found] = await ask(a, "find", "find");
    assert.equal(found.length, 1);
    found[0].rooms.sort();
    assert.deepEqual(found[0], { id: b.id, rooms: [b.id, "find"].toSorted(), auth: { who: "b" }, remembered: "something" });
    await ask(a, "join", "find");
    assert.deepEqual((await ask(a, "members", "find"))[0].toSorted(), [a.id, b.id].toSorted());
  });

  both("acknowledgements of a broadcast", async (a, b) => {
    await Promise.all([ask(a, "join", "poll"), ask(b, "join", "poll")]);
    a.on("vote", (question, answer) => answer({ a: question }));
    b.on("vote", (question, answer) => answer(Buffer.from("b"), "ignored"));
    const [failure, answers] = await ask(a, "poll", "poll", 5_000, "why?");
    assert.equal(failure, null);
    assert.equal(answers.length, 2);
    assert.deepEqual(answers.find((answer) => !Buffer.isBuffer(answer)), { a: "why?" });
    assert.deepEqual(answers.find((answer) => Buffer.isBuffer(answer)), Buffer.from("b"));

    b.off("vote"); // and does not answer any more
    assert.deepEqual(await pollInVain(a, "poll", "why?"), [{ a: "why?" }]);
    assert.deepEqual(await ask(a, "poll", "nobody is here", 5_000, "why?"), [null, []]);
  });

  both("sockets are disconnected", async (a, b) => {
    await ask(b, "join", "kick");
    const heard = record(b, "room");
    const gone = once(b, "disconnect");
    a.emit("room", "kick", "before");
    a.emit("kick", "kick", false);
    assert.equal((await gone)[0], "io server disconnect");
    assert.deepEqual(heard.drain(), [["before"]]);
    assert.ok(a.connected);
  });

  both("events for servers, and their answers", async (a, b) => {
    const told = { a: record(a, "told"), b: record(b, "told") };
    a.emit("tell-servers", "news", Buffer.from([1]), { n: 1 });
    assert.deepEqual(await told.b.next(), ["news", Buffer.from([1]), { n: 1 }]);
    assert.deepEqual(await ask(a, "ask-servers", { n: [1, "x"] }), [[[{ n: [1, "x"] }]]]);
    const [[[bytes]]] = await ask(a, "ask-servers", Buffer.from("bytes"));
    assert.deepEqual(bytes, Buffer.from("bytes"));
    assert.deepEqual(told.a.drain(), []);
  });

  test("a server that is stopped is not waited for", { timeout: 60_000 }, async (t) => {
    const third = await startServer(["-bus", bus.address]);
    t.after(() => third.kill());
    const clients = await Promise.all(sides.map(({ from }) => connect(t, from, plainly)));
    for (const client of clients) {
      while ((await ask(client, "servers"))[0] < 3) {
        // heartbeats are on their way
      }
    }
    await third.stop();
    const began = Date.now();
    for (const client of clients) {
      assert.equal((await ask(client, "servers"))[0], 2);
      assert.equal((await ask(client, "find", client.id))[0].length, 1);
    }
    assert.ok(Date.now() - began < 4_000, "waited");
  });
}
