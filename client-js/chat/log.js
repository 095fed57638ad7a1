// The messages of one room: the history of this visit, as the elements that show it.

import { avatar, clock, el, hue, icon, linked, onlyEmoji, size } from "./dom.js";
import { kindOf } from "./files.js";

const KEEP = 400; // messages of a room; the oldest go first
const TOGETHER = 5 * 60_000; // ms between messages of one person that are shown as one block

export class Log {
  element;
  #entries = new Map(); // by message id: {message, node, urls}
  #retry;
  #view;
  #last = null;

  /** retry(message) is called for "try again", view(url, caption) when a picture is clicked. */
  constructor(room, { retry, view }) {
    this.#retry = retry;
    this.#view = view;
    this.element = el("div", { class: "log" },
      el("div", { class: "welcome" }, icon("logo"), el("strong", {}, `This is #${room}`),
        "You see what is said from now on. Say hello, or drop a picture here."));
  }

  has(id) {
    return this.#entries.has(id);
  }

  add(message) {
    const urls = [];
    const node = this.#render(message, urls);
    this.#last = message;
    this.#entries.set(message.id, { message, node, urls });
    this.element.append(node);
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= KEEP) break;
      this.#forget(id, entry);
    }
  }

  /** update shows a message's new status. */
  update(message) {
    const entry = this.#entries.get(message.id);
    if (!entry) return;
    entry.node.dataset.status = message.status;
    entry.node.querySelector(".state")?.replaceWith(this.#state(message));
  }

  notice(text) {
    this.#last = null;
    this.element.append(el("p", { class: "notice", "data-testid": "notice" }, text));
    const notices = this.element.querySelectorAll(".notice");
    if (notices.length > KEEP) notices[0].remove();
  }

  /** close gives back the memory of the pictures and clips. */
  close() {
    for (const [id, entry] of this.#entries) this.#forget(id, entry);
  }

  #forget(id, { node, urls }) {
    urls.forEach((url) => URL.revokeObjectURL(url));
    node.remove();
    this.#entries.delete(id);
  }

  #render(message, urls) {
    const { from, mine, at, text, file } = message;
    const last = this.#last;
    const follows = last && last.mine === mine && last.from.nick === from.nick && at - last.at < TOGETHER;
    const content = el("div", { class: "content" });
    if (file) content.append(this.#media(message, urls));
    if (text) content.append(el("div", { class: onlyEmoji(text) ? "text only-emoji" : "text", "data-testid": "message-text" }, ...linked(text)));
    if (mine) content.append(this.#state(message));
    const node = el("article",
      { class: `message${mine ? " mine" : ""}${follows ? " follows" : ""}`, "data-testid": "message", "data-id": message.id, "data-nick": from.nick, "data-status": message.status },
      avatar(from.nick),
      el("div", { class: "byline" },
        el("strong", { "data-testid": "message-author" }, from.nick),
        el("time", { datetime: new Date(at).toISOString() }, clock(at))),
      content);
    node.style.setProperty("--hue", hue(from.nick));
    return node;
  }

  #media({ file, from }, urls) {
    const bytes = file.data?.byteLength ?? 0;
    const kind = bytes ? kindOf(file.type) : "";
    if (!kind) return el("div", { class: "text" }, "A file that this page cannot show");
    const url = URL.createObjectURL(new Blob([file.data], { type: file.type }));
    urls.push(url);
    const about = `${file.name} · ${size(bytes)}`;
    const source = { src: url, "data-testid": kind, "data-bytes": bytes };
    if (kind === "picture") {
      const caption = `${from.nick}: ${about}`;
      return el("button", { class: "media picture", type: "button", "aria-label": `Picture ${file.name} from ${from.nick}, enlarge`, onclick: () => this.#view(url, caption) },
        el("img", { ...source, alt: file.name }));
    }
    const player = el(kind, { ...source, controls: true, preload: "metadata", playsinline: kind === "video", "aria-label": file.name });
    return el("figure", { class: `media ${kind === "audio" ? "sound" : "film"}` }, player, el("figcaption", {}, about));
  }

  #state(message) {
    const parts = {
      pending: () => [icon("clock"), "Waiting to be sent"],
      sent: () => [icon("check"), el("time", { datetime: new Date(message.at).toISOString() }, clock(message.at))],
      failed: () => [icon("alert"), message.error,
        el("button", { class: "text-button", type: "button", "data-testid": "retry", onclick: () => this.#retry(message) }, "Try again")],
    };
    return el("div", { class: "state" }, ...parts[message.status]());
  }
}
