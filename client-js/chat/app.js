// The chat: what the visitor does, what the server says, and what is shown of both.

import { $, newId } from "./dom.js";
import { connect } from "./connection.js";
import { Outbox } from "./outbox.js";
import { Rooms } from "./rooms.js";
import { Composer } from "./composer.js";
import { Scroller } from "./scroller.js";
import { bindPanels, closePanels, showMe, showPeople, showRooms, showTyping } from "./panels.js";

const path = document.querySelector('meta[name="socketio-path"]').content;
const scroller = new Scroller();
const OVERLAP = 2000; // ms: messages of two senders may cross; what comes twice is recognised by its id
const RETRY_AFTER = 1000; // ms; the server answers later when the connection is slow
const composer = new Composer({ send, typing });

let visit = null; // {nick, rooms, connection, outbox, seen, catchUp}, from joining to signing out

function join(nick, roomName) {
  const rooms = new Rooms({ retry, view }, (room) => visit?.rooms === rooms && roomChanged(room));
  visit = { nick, rooms, wasOnline: false, seen: 0, node: "" };
  rooms.current = rooms.add(roomName);
  const auth = () => ({ nick, rooms: (visit.announced = rooms.names) });
  visit.connection = connect({ path, auth, changed: connectionChanged });
  visit.outbox = new Outbox(visit.connection, (message) => rooms.get(message.room)?.log.update(message));
  const { socket } = visit.connection;
  socket.on("welcome", ({ at, node = "" }) => {
    visit.node = node;
    showConnection(visit.connection.state);
    if (visit.seen) catchUp();
    else visit.seen = at;
  });
  socket.on("message", (message) => {
    if (visit.catchUp) visit.catchUp.later.push(message);
    else saw(message);
  });
  socket.on("people", ({ room, people, total }) => rooms.get(room)?.setPeople(people, total, nick));
  socket.on("rooms", (list) => {
    rooms.others = list;
    roomsChanged();
  });
  socket.on("typing", ({ room, from, typing }) => rooms.get(room)?.setTyping(from.nick, typing));
}

function signOut() {
  visit.connection.close();
  composer.close();
  visit.rooms.close();
  visit = null;
  closePanels();
  showView("join");
  $("banner").hidden = true;
  $("nick").focus();
}

// What the visitor does.

function send(room, { text, file }) {
  const { nick, outbox } = visit;
  const message = { id: newId(), room: room.name, text, file, from: { id: visit.id, nick }, mine: true, at: Date.now(), status: "pending" };
  room.log.add(message);
  if (room === visit.rooms.current) scroller.came(true);
  outbox.add(message);
}

function retry(message) {
  message.status = "pending";
  visit.rooms.get(message.room)?.log.update(message);
  visit.outbox.add(message);
}

function typing(typing) {
  // Worth nothing later: volatile events are dropped while offline.
  if (visit?.rooms.current) visit.connection.socket.volatile.emit("typing", { room: visit.rooms.current.name, typing });
}

function openRoom(name) {
  const { rooms, connection } = visit;
  if (!rooms.get(name)) {
    rooms.add(name);
    // While offline nothing needs to be said: the next connection brings the list of rooms along.
    if (connection.socket.connected) askToJoin(name);
  }
  if (rooms.current !== rooms.get(name)) typing(false);
  rooms.current = rooms.get(name);
  rooms.current.unread = 0;
  closePanels();
  roomsChanged();
  composer.focus();
}

function askToJoin(name) {
  visit.connection.socket.emit("join", name, (reply) => {
    if (!visit || !reply?.error) return;
    if (visit.rooms.joined.size > 1) visit.rooms.remove(name);
    roomsChanged();
    composer.say(reply.error.message);
  });
}

function leaveRoom(name) {
  const { rooms, connection } = visit;
  if (rooms.joined.size === 1) return signOut();
  if (connection.socket.connected) connection.socket.emit("leave", name);
  composer.close();
  rooms.remove(name);
  roomsChanged();
}

// What the server says.

/** catchUp asks for the messages since the last one that was seen, page by page. Those that are sent meanwhile come after them. */
function catchUp() {
  const run = (visit.catchUp = { later: [] });
  visit.seen = Math.max(1, visit.seen - OVERLAP);
  const ask = () => visit?.catchUp === run && visit.connection.socket.emit("missed", visit.seen, answer);
  const answer = (reply) => {
    if (visit?.catchUp !== run) return;
    if (reply.error) return setTimeout(ask, RETRY_AFTER);
    reply.messages.forEach(received);
    visit.seen = reply.upTo;
    if (reply.more) return ask();
    visit.catchUp = null;
    run.later.forEach(saw);
  };
  ask();
}

function saw(message) {
  visit.seen = Math.max(visit.seen, message.at);
  received(message);
}

function received(message) {
  const room = visit.rooms.get(message.room);
  if (!room || room.log.has(message.id)) return; // sent twice because an acknowledgement was lost
  room.setTyping(message.from.nick, false);
  room.arrived(message.from.nick, visit.nick); // the list of people comes a little later
  room.log.add({ ...message, mine: false, status: "received" });
  if (room === visit.rooms.current) scroller.came(false);
  if (room !== visit.rooms.current || document.hidden) room.unread++;
  roomsChanged();
}

function connectionChanged(state) {
  const online = state.name === "online";
  if (!online && visit.catchUp) {
    const { later } = visit.catchUp; // seen stays: the next connection asks for the rest
    visit.catchUp = null;
    later.forEach(received);
  }
  if (online) {
    visit.id = visit.connection.socket.id; // remembered: while offline there is none
    if (!visit.wasOnline) showView("chat");
    else if (visit.wasOffline) flashBack();
    visit.wasOnline = true;
    visit.wasOffline = false;
    // Those opened while the connection was being made came too late for its list.
    visit.rooms.names.filter((name) => !visit.announced.includes(name)).forEach(askToJoin);
    visit.outbox.flush();
  } else if (visit.wasOnline) {
    visit.wasOffline = true;
  } else if (state.refused) {
    return notJoined(state.refused);
  } else if (state.name === "offline") {
    $("join-error").textContent = "The server cannot be reached. Trying again …";
  }
  showConnection(state);
  roomsChanged();
}

function notJoined(problem) {
  visit.connection.close();
  visit = null;
  $("join").disabled = false;
  $("join-error").textContent = problem;
  $("nick").focus();
}

// What is shown.

function showView(name) {
  document.body.dataset.view = name;
  $("chat-view").hidden = name !== "chat";
  $("join").disabled = false;
  $("join").textContent = "Join the conversation";
  $("join-error").textContent = "";
  document.title = "Chat · socketio";
  if (name !== "chat") return;
  showMe(visit.nick);
  roomsChanged();
  composer.focus();
}

function showConnection({ name, transport, attempt, refused }) {
  const online = name === "online";
  const badge = $("connection");
  badge.dataset.state = name;
  badge.dataset.transport = transport;
  const over = { websocket: "WebSocket", polling: "Polling" }[transport] ?? transport;
  $("connection-text").textContent = online ? over + (visit.node && ` · node ${visit.node}`)
    : name === "offline" ? "Offline" : "Connecting";
  badge.title = online ? `Connected over ${transport}` : "Not connected";
  if (online || !visit.wasOnline) return;
  clearTimeout(visit.flash);
  $("banner").dataset.tone = "warn";
  $("banner").hidden = false;
  $("banner-title").textContent = refused || "Connection lost.";
  $("banner-text").textContent = refused ? "" : `Reconnecting${attempt > 1 ? `, try ${attempt}` : ""} … What you write is kept and sent then.`;
}

function flashBack() {
  $("banner").dataset.tone = "good";
  $("banner-title").textContent = "You are back.";
  $("banner-text").textContent = "Everything written meanwhile is on its way.";
  visit.flash = setTimeout(() => ($("banner").hidden = true), 2500);
}

function roomChanged(room) {
  if (room !== visit.rooms.current || document.body.dataset.view !== "chat") return;
  showPeople(room, visit.id, visit.connection.state.name === "online");
  showTyping(room.typing);
}

function roomsChanged() {
  if (!visit || document.body.dataset.view !== "chat") return;
  const { rooms } = visit;
  $("current-room").textContent = rooms.current.name;
  $("message-input").placeholder = `Message #${rooms.current.name}`;
  scroller.open(rooms.current);
  composer.open(rooms.current);
  showRooms(rooms, openRoom);
  roomChanged(rooms.current);
  const unread = [...rooms.joined.values()].reduce((sum, room) => sum + room.unread, 0);
  $("other-unread").hidden = !unread;
  document.title = `${unread ? `(${unread}) ` : ""}#${rooms.current.name} · socketio`;
  history.replaceState(null, "", `#${encodeURIComponent(rooms.current.name)}`);
}

function view(url, caption) {
  $("viewer-image").src = url;
  $("viewer-caption").textContent = caption;
  $("viewer").showModal();
}

// The page.

function start() {
  bindPanels();
  $("nick").value = localStorage.getItem("nick") ?? "";
  const asked = decode(location.hash.slice(1));
  if (asked) $("room").value = asked;

  $("join-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const nick = $("nick").value.trim();
    const room = roomName($("room").value);
    $("join-error").textContent = !window.io ? "The Socket.IO client is missing on the server."
      : !nick || !room ? "Both a name and a room are needed." : "";
    if ($("join-error").textContent) return;
    localStorage.setItem("nick", nick);
    $("join").disabled = true;
    $("join").textContent = "Joining …";
    join(nick, room);
  });
  $("new-room-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = roomName($("new-room").value);
    $("new-room").value = "";
    if (name) openRoom(name);
  });
  $("leave-room").addEventListener("click", () => leaveRoom(visit.rooms.current.name));
  $("sign-out").addEventListener("click", signOut);
  $("reconnect").addEventListener("click", () => visit.connection.retry());
  $("viewer").addEventListener("click", () => $("viewer").close());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !visit?.rooms.current) return;
    visit.rooms.current.unread = 0;
    roomsChanged();
  });
}

const roomName = (text) => text.trim().replace(/^#+/, "").replace(/\s+/g, "-");

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

start();
