// The admin UI of an official server (@socket.io/admin-ui), which asks all servers for their sockets. What it cannot read, and an
// answer that does not come, ends its process. And ours, which answers the same.

import assert from "node:assert/strict";
import { once } from "../lib/deadline.mjs";
import { until } from "../lib/redis.mjs";
import { ask, connect, connected, open, plainly, record } from "../lib/suite.mjs";
import { settle } from "./mix.mjs";

/** The first server has the admin UI. */
export const adminMixes = [["admin", "here"], ["admin", "here", "here"], ["production", "here"], ["ours", "ioredis"], ["ours", "admin"]];

const patience = 4_500; // after 5 s without an answer the server ends

export const admin = [];

function scenario(name, run, fits = ([first]) => first === "admin" || first === "ours") {
  admin.push({ name, run, fits, once: true });
}

/** An admin, as the page connects one: the client, and what it is told of all sockets. */
function enter(c, t) {
  const client = open(t, `${c.servers[0].url}/admin`, plainly, { transports: ["polling", "websocket"], withCredentials: true, auth: { sessionId: null } });
  return { client, config: record(client, "config"), all: record(client, "all_sockets") };
}

/** What an admin that connects now is shown of /: the ids of sockets. */
async function shown(c, t) {
  const { client, all } = enter(c, t);
  const [sockets] = await all.next(patience);
  client.close();
  return sockets.filter(({ nsp }) => nsp === "/").map(({ id }) => id).sort();
}

const ids = (clients) => clients.map(({ id }) => id).sort();

scenario("the admin UI is shown the sockets of all servers", async (c, t) => {
  const chat = c.b.io.socket("/chat");
  await connected(chat);
  const [room, bare] = [c.room(), c.others.at(-1)];
  await ask(c.b, "join", room);
  await ask(c.b, "keep-admin");
  await ask(c.b, "keep", { n: 1, none: null });
  const [sockets] = await enter(c, t).all.next();
  const one = (id) => sockets.find((socket) => socket.id === id);

  const { handshake, rooms, ...rest } = one(c.b.id);
  assert.deepEqual(rest, { id: c.b.id, nsp: "/", clientId: c.b.io.engine.id.slice(0, 12), transport: "websocket", data: { kept: { n: 1, none: null } } });
  assert.deepEqual(rooms.sort(), [c.b.id, room].sort());
  assert.deepEqual(Object.keys(handshake).sort(), ["address", "headers", "issued", "query", "secure", "time", "url", "xdomain"]);
  assert.equal(handshake.headers.host, new URL(c.servers[1].url).host);
  assert.equal(handshake.query.EIO, "4");
  assert.match(handshake.address, /127\.0\.0\.1$/);

  assert.deepEqual([one(chat.id).nsp, one(chat.id).data], ["/chat", {}]);
  if (bare !== c.b) {
    assert.deepEqual(one(bare.id).data, {});
  }
  assert.deepEqual(await shown(c, t), ids(c.all));
});

scenario("an admin has sockets of another server join, leave and disconnected", async (c, t) => {
  const { client, config } = enter(c, t);
  const [{ supportedFeatures }] = await config.next();
  assert.deepEqual(supportedFeatures.slice(0, 8), ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT", "AGGREGATED_EVENTS"]);
  const rooms = async (of) => (await ask(of, "whoami"))[0].rooms;
  const [first, second] = [c.room(), c.room()];
  client.emit("join", "/", first, c.b.id);
  await until(async () => (await rooms(c.b)).includes(first), "joining");
  assert.ok(!(await rooms(c.a)).includes(first));
  client.emit("join", "/", second, first);
  await until(async () => (await rooms(c.b)).includes(second), "joining, by a room");
  client.emit("leave", "/", first, c.b.id);
  await until(async () => !(await rooms(c.b)).includes(first), "leaving");
  client.emit("leave", "/", second);
  await until(async () => !(await rooms(c.b)).includes(second), "leaving, all sockets");
  const heard = c.hear("from the admin");
  client.emit("emit", "/", null, "from the admin", { n: 1 });
  await c.gets(heard, [{ n: 1 }]);

  const victim = await connect(t, c.servers[1].url, plainly);
  const chat = victim.io.socket("/chat");
  await connected(chat);
  const gone = once(victim, "disconnect");
  client.emit("_disconnect", "/", false, victim.id);
  assert.equal((await gone)[0], "io server disconnect");
  const chatGone = once(chat, "disconnect");
  assert.deepEqual(await ask(chat, "ack", 1), [1]);
  client.emit("_disconnect", "/chat", true, chat.id);
  assert.equal((await chatGone)[0], "io server disconnect");
  assert.ok(c.all.every(({ connected: is }) => is));
}, () => true);

scenario("admins connect while a server comes and leaves", async (c, t) => {
  let over = false;
  const visits = (async () => {
    while (!over) {
      await shown(c, t); // maybe of the new server instead of another: an official one over Redis takes as many answers as it has counted servers
    }
  })();
  const server = await c.mix.add("here");
  t.after(async () => {
    c.mix.servers.splice(c.mix.servers.indexOf(server), 1);
    await server.kill();
  });
  const guest = await connect(t, server.url, plainly);
  await settle([...c.all, guest]);
  over = true;
  await visits;
  assert.deepEqual(await shown(c, t), ids([...c.all, guest]));
  // Not while an admin connects: a request that counts the servers just before one leaves waits for it in vain.
  await server.stop();
  await until(async () => (await ask(c.a, "servers"))[0] === c.all.length, "one server less");
  assert.deepEqual(await shown(c, t), ids(c.all));
});

scenario("admins of an official server and of ours see the same of both", async (c, t) => {
  const admins = c.servers.map(({ url }) => {
    const client = open(t, `${url}/admin`, plainly, { transports: ["websocket"] });
    const seen = new Map(["server_stats", "socket_connected", "room_joined", "room_left", "event_received", "event_sent", "socket_disconnected"].map((name) => [name, []]));
    seen.forEach((list, name) => client.on(name, (...args) => list.push(args)));
    return { client, seen };
  });
  await Promise.all(admins.map(({ client }) => connected(client)));
  const everywhere = (name, is, what) => until(() => admins.every(({ seen }) => seen.get(name).some(is)), what);
  for (const { url } of c.servers) {
    const guest = await connect(t, url, plainly);
    const [id, room] = [guest.id, c.room()];
    await everywhere("socket_connected", ([socket]) => socket.id === id && socket.nsp === "/" && socket.clientId === guest.io.engine.id.slice(0, 12), "socket_connected");
    await ask(guest, "join", room);
    await everywhere("room_joined", ([nsp, name, of]) => nsp === "/" && name === room && of === id, "room_joined");
    const bytes = Buffer.from([1, 2]);
    await until(async () => {
      guest.emit("message", "text", bytes); // until ours has found the admin of the other server
      return admins.every(({ seen }) => seen.get("event_received").length > 0 && seen.get("event_sent").length > 0);
    }, "events");
    for (const [name, event] of [["event_received", "message"], ["event_sent", "message-back"]]) {
      await everywhere(name, ([nsp, of, [first, text, data], date]) =>
        nsp === "/" && of === id && first === event && text === "text" && bytes.equals(data) && new Date(date).toISOString() === date, name);
    }
    await ask(guest, "leave", room);
    await everywhere("room_left", ([nsp, name, of]) => nsp === "/" && name === room && of === id, "room_left");
    guest.close();
    await everywhere("socket_disconnected", ([nsp, of, reason]) => nsp === "/" && of === id && reason === "client namespace disconnect", "socket_disconnected");
  }
  const keys = (list) => [...new Set(list.map(([stats]) => Object.keys(stats).sort().join()))];
  const servers = (list) => new Set(list.map(([stats]) => stats.serverId)).size;
  await until(() => admins.every(({ seen }) => servers(seen.get("server_stats")) === 2), "statistics of both");
  for (const { seen } of admins) {
    assert.deepEqual(keys(seen.get("server_stats")), ["aggregatedEvents,clientsCount,hostname,namespaces,pid,pollingClientsCount,serverId,uptime"]);
  }
}, (names) => names.includes("ours") && names.includes("admin"));
