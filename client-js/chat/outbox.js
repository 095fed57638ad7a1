// Messages on their way out. One that was written while offline waits here and is sent on the next connection; one whose
// acknowledgement was lost with the connection is sent again, and recognised by its id by those who have it already.

import { LIMIT, LIMIT_POLLING } from "./files.js";

const ANSWER_WITHIN = 60_000; // ms; a picture over a slow line takes its time
const UPGRADE_WITHIN = 10_000; // ms; what only WebSocket can carry waits this long for it

export class Outbox {
  #waiting = []; // in the order of writing, the unacknowledged included
  #connection;
  #changed;

  /** changed(message) is called when a message's status became "sent" (with at set) or "failed" (with error set). */
  constructor(connection, changed) {
    this.#connection = connection;
    this.#changed = changed;
  }

  add(message) {
    this.#waiting.push({ message, sent: false, since: 0 });
    this.flush();
  }

  /** flush sends what it can. Call it whenever the connection changed for the better. */
  flush() {
    const { socket, state } = this.#connection;
    if (!socket.connected) return;
    for (const entry of this.#waiting.slice()) {
      if (entry.sent) continue;
      const bytes = entry.message.file?.data.byteLength ?? 0;
      if (bytes > (state.transport === "websocket" ? LIMIT : LIMIT_POLLING)) {
        if (this.#mayYetFit(entry)) return; // nor what comes after it: the order stays
        this.#fail(entry, "Too big for long-polling, and WebSocket does not get through here");
        continue;
      }
      this.#send(entry);
    }
  }

  #mayYetFit(entry) {
    if (!entry.since) {
      entry.since = Date.now();
      setTimeout(() => this.flush(), UPGRADE_WITHIN);
    }
    return Date.now() - entry.since < UPGRADE_WITHIN;
  }

  #send(entry) {
    const { socket } = this.#connection;
    const { id, room, text, file } = entry.message;
    entry.sent = true;
    socket.timeout(ANSWER_WITHIN).emit("message", { id, room, text, file }, (error, reply) => {
      if (error && !socket.connected) {
        entry.sent = false; // with the next connection
        entry.since = 0;
      } else if (error) {
        this.#fail(entry, "The server did not answer");
      } else if (reply?.error) {
        this.#fail(entry, reply.error.message);
      } else {
        this.#remove(entry);
        this.#changed(Object.assign(entry.message, { status: "sent", at: reply.at }));
      }
    });
  }

  #fail(entry, error) {
    this.#remove(entry);
    this.#changed(Object.assign(entry.message, { status: "failed", error }));
  }

  #remove(entry) {
    this.#waiting = this.#waiting.filter((other) => other !== entry);
  }
}
