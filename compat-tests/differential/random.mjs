// Random numbers that are the same in every run (Mulberry32).

export class Random {
  #state;

  constructor(seed) {
    this.#state = Math.imul(seed, 0x9e3779b1);
  }

  /** A number from 0 up to 1. */
  next = () => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A whole number from low to high, both included. */
  between = (low, high) => low + Math.floor(this.next() * (high - low + 1));

  pick = (list) => list[this.between(0, list.length - 1)];

  chance = (probability) => this.next() < probability;
}
