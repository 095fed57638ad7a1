// The scrolling list of messages: it stays at the end while the reader is there, and leaves one who reads further up alone.

import { $ } from "./dom.js";

const NEAR = 80; // px from the end that count as being there

export class Scroller {
  #box = $("messages");
  #room = null;
  #atEnd = true;
  #missed = 0;
  #sizes = new ResizeObserver(() => this.#atEnd && this.toEnd());

  constructor() {
    this.#sizes.observe(this.#box);
    this.#box.addEventListener("scroll", () => {
      this.#atEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < NEAR;
      this.#show();
    }, { passive: true });
    $("to-end").addEventListener("click", () => this.toEnd(true));
  }

  /** open shows a room's messages, where the reader left them. */
  open(room) {
    if (this.#room === room) return;
    if (this.#room) {
      this.#room.scrolledTo = this.#atEnd ? null : this.#box.scrollTop;
      this.#sizes.unobserve(this.#room.log.element);
    }
    this.#room = room;
    this.#atEnd = room.scrolledTo === null;
    this.#box.ariaBusy = "true"; // not to be read out as if it were new
    this.#box.replaceChildren(room.log.element);
    this.#sizes.observe(room.log.element);
    this.#box.scrollTop = this.#atEnd ? this.#box.scrollHeight : room.scrolledTo;
    this.#box.ariaBusy = "false";
    this.#show();
  }

  /** came notes that a message was added to the room on screen. */
  came(mine) {
    if (mine || this.#atEnd) return this.toEnd();
    this.#missed++;
    this.#show();
  }

  toEnd(smooth = false) {
    this.#atEnd = true;
    this.#box.scrollTo({ top: this.#box.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.#show();
  }

  #show() {
    if (this.#atEnd) this.#missed = 0;
    $("to-end").hidden = this.#atEnd;
    $("to-end-text").textContent = this.#missed ? `${this.#missed} new` : "Newest";
  }
}
