import { within, withResolvers, SOON } from "./deadline.mjs";

/**
 * A queue of what has arrived and not been looked at. Scenarios read it at their own pace, so that nothing that
 * came early is lost and the order of arrival is what they see.
 */
export class Inbox {
  #name;
  #waiting = [];
  #readers = [];

  constructor(name) {
    this.#name = name;
  }

  push(item) {
    const reader = this.#readers.shift();
    if (reader) {
      reader(item);
    } else {
      this.#waiting.push(item);
    }
  }

  /** The oldest item, waiting for one when there is none. */
  next(ms = SOON) {
    if (this.#waiting.length > 0) {
      return Promise.resolve(this.#waiting.shift());
    }
    const { promise, resolve } = withResolvers();
    this.#readers.push(resolve);
    return within(promise, `next item of ${this.#name}`, ms);
  }

  /** The next n items. */
  async take(n, ms = SOON) {
    const items = [];
    while (items.length < n) {
      items.push(await this.next(ms));
    }
    return items;
  }

  /** What is waiting now; empties the inbox. */
  drain() {
    return this.#waiting.splice(0);
  }
}
