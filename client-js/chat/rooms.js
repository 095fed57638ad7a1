// What the page knows of its rooms: their messages, the people in them, and who is typing.

import { Log } from "./log.js";

const TYPING_FOR = 5000; // ms without another sign of it
const GONE_AFTER = 6000; // ms; people who only lost their connection are back before that

/** Room is a room that the visitor is in. */
export class Room {
  people = [];
  total = 0; // people, those included that a long list leaves out
  unread = 0;
  scrolledTo = null; // null: at the end
  draft = { text: "", tray: [] }; // what is written and not sent
  #typing = new Map(); // nick → timer
  #leaving = new Map(); // nick → timer
  #known = null; // nicks here when the list last came; null before the first one
  #changed;

  constructor(name, log, changed) {
    this.name = name;
    this.log = log;
    this.#changed = changed;
  }

  /** setPeople takes the server's list, and notes in the log who came and who went. */
  setPeople(people, total, myNick) {
    this.people = people;
    this.total = total;
    const now = new Set(people.map((person) => person.nick));
    for (const nick of now) this.arrived(nick, myNick);
    for (const nick of this.#known ?? []) {
      if (now.has(nick) || nick === myNick || this.#leaving.has(nick)) continue;
      this.setTyping(nick, false);
      this.#leaving.set(nick, setTimeout(() => {
        this.#leaving.delete(nick);
        this.log.notice(`${nick} left`);
      }, GONE_AFTER));
    }
    this.#known = now;
    this.#changed(this);
  }

  /** arrived notes in the log that somebody is here who was not. */
  arrived(nick, myNick) {
    if (this.#leaving.has(nick)) {
      clearTimeout(this.#leaving.get(nick));
      this.#leaving.delete(nick);
    } else if (this.#known && !this.#known.has(nick) && nick !== myNick) {
      this.log.notice(`${nick} joined`);
    }
    this.#known?.add(nick);
  }

  setTyping(nick, typing) {
    clearTimeout(this.#typing.get(nick));
    if (typing) this.#typing.set(nick, setTimeout(() => this.setTyping(nick, false), TYPING_FOR));
    else this.#typing.delete(nick);
    this.#changed(this);
  }

  get typing() {
    return [...this.#typing.keys()];
  }

  close() {
    for (const timer of [...this.#typing.values(), ...this.#leaving.values()]) clearTimeout(timer);
    this.draft.tray.forEach(({ url }) => url && URL.revokeObjectURL(url));
    this.log.close();
  }
}

/** Rooms are those the visitor is in, the one on screen, and the names of the others. */
export class Rooms {
  joined = new Map(); // name → Room, in the order of joining
  others = []; // {name, people}: every room of the server, as it last said
  current = null;
  #logEvents;
  #changed;

  constructor(logEvents, changed) {
    this.#logEvents = logEvents;
    this.#changed = changed;
  }

  get names() {
    return [...this.joined.keys()];
  }

  get(name) {
    return this.joined.get(name);
  }

  add(name) {
    const room = new Room(name, new Log(name, this.#logEvents), this.#changed);
    this.joined.set(name, room);
    return room;
  }

  remove(name) {
    this.joined.get(name)?.close();
    this.joined.delete(name);
    if (this.current?.name === name) this.current = [...this.joined.values()].at(-1) ?? null;
  }

  close() {
    this.names.forEach((name) => this.remove(name));
  }
}
