// Writing: the text, the tray of files that go with it, and the recording of a voice message.

import { $, el, icon, size } from "./dom.js";
import { check, kindOf, prepare } from "./files.js";
import { canRecord, record } from "./recorder.js";

const TYPING_EVERY = 2500; // ms; the others' pages forget a sign after five seconds

export class Composer {
  #input = $("message-input");
  #room = null; // the room on screen, whose draft this is
  #events;
  #typingSaid = 0;
  #recording = null;
  #problemTimer = 0;

  /** send(room, {text, file}) is called for each message, typing(bool) now and then. */
  constructor(events) {
    this.#events = events;
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => {
      // Not the Enter that ends the composition of a character.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    $("attach").addEventListener("click", () => $("file-input").click());
    $("file-input").addEventListener("change", (event) => {
      this.add([...event.target.files]);
      event.target.value = "";
    });
    this.#input.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
    this.#bindDrop();
    this.#bindRecorder();
  }

  focus() {
    // On a phone this would open the keyboard over the conversation.
    if (matchMedia("(pointer: fine)").matches) this.#input.focus();
  }

  /** open shows what was written in a room and not sent. A recording that runs goes into the tray of the room before. */
  open(room) {
    if (this.#room === room) return;
    this.close();
    this.#room = room;
    this.#input.value = room.draft.text;
    this.#fit();
    this.#showTray();
  }

  /** close leaves the room's draft with the room. */
  close() {
    this.#recording?.stop();
    if (this.#room) this.#room.draft.text = this.#input.value;
    this.#room = null;
    this.#typingSaid = 0;
    this.#input.value = "";
    this.say("");
  }

  get #tray() {
    return this.#room?.draft.tray ?? [];
  }

  /** add puts files in the tray, or says why one cannot be sent. */
  add(files) {
    this.say("");
    for (const file of files) {
      try {
        check(file);
        this.#tray.push(entryOf(file));
      } catch (refused) {
        this.say(refused.message);
      }
    }
    this.#showTray();
    this.focus();
  }

  /** say shows why something could not be done; "" takes it away. */
  say(problem) {
    clearTimeout(this.#problemTimer);
    $("problem").textContent = problem;
    $("problem").hidden = !problem;
    if (problem) this.#problemTimer = setTimeout(() => this.say(""), 12_000);
  }

  async #send() {
    const text = this.#input.value.trim();
    const tray = this.#tray.map(({ file }) => file);
    if (!text && !tray.length) return;
    this.#input.value = "";
    this.#emptyTray();
    this.#changed();
    this.say("");
    const room = this.#room; // before the first await: the messages stay in the room they were written in
    const files = [];
    for (const file of tray) {
      try {
        files.push(await prepare(file));
      } catch (error) {
        this.say(error.message);
      }
    }
    if (text || files.length) this.#events.send(room, { text, file: files[0] });
    for (const file of files.slice(1)) this.#events.send(room, { text: "", file });
  }

  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, 168)}px`;
    $("send").disabled = !this.#input.value.trim() && !this.#tray.length;
  }

  #changed() {
    this.#fit();
    const text = this.#input.value.trim();
    const now = Date.now();
    if (text && now - this.#typingSaid > TYPING_EVERY) {
      this.#typingSaid = now;
      this.#events.typing(true);
    } else if (!text && this.#typingSaid) {
      this.#typingSaid = 0;
      this.#events.typing(false);
    }
  }

  #emptyTray() {
    this.#tray.splice(0).forEach(({ url }) => url && URL.revokeObjectURL(url));
    this.#showTray();
  }

  #showTray() {
    $("tray").hidden = !this.#tray.length;
    $("tray").replaceChildren(...this.#tray.map((entry) => {
      const { file, url } = entry;
      const thumb = url ? el("img", { class: "thumb", src: url, alt: "" })
        : el("span", { class: "thumb" }, icon(kindOf(file.type) === "audio" ? "sound" : "film"));
      return el("li", { "data-testid": "tray-item" }, thumb,
        el("span", { class: "about" }, el("strong", {}, file.name), el("small", {}, size(file.size))),
        el("button", {
          class: "icon-button", type: "button", "data-testid": "tray-remove", "aria-label": `Do not send ${file.name}`,
          onclick: () => {
            if (url) URL.revokeObjectURL(url);
            this.#tray.splice(this.#tray.indexOf(entry), 1);
            this.#showTray();
          },
        }, icon("close")));
    }));
    $("send").disabled = !this.#input.value.trim() && !this.#tray.length;
  }

  #bindDrop() {
    let depth = 0; // dragenter and dragleave come for every element that is passed
    const show = (by) => {
      depth = Math.max(0, depth + by);
      $("drop").hidden = depth === 0;
    };
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") && document.body.dataset.view === "chat";
    addEventListener("dragenter", (event) => carriesFiles(event) && show(1));
    addEventListener("dragleave", (event) => carriesFiles(event) && show(-1));
    addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(-depth);
      this.add([...event.dataTransfer.files]);
    });
  }

  #bindRecorder() {
    $("record").hidden = !canRecord();
    $("record").addEventListener("click", () => this.#record());
    $("record-stop").addEventListener("click", () => this.#recording?.stop());
    $("record-cancel").addEventListener("click", () => this.#recording?.cancel());
  }

  async #record() {
    const room = this.#room;
    try {
      this.#recording = await record({
        tick: (seconds, level) => {
          $("record-time").textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
          $("record-level").value = level;
        },
        done: async (file) => {
          this.#recording = null;
          this.#showRecording(false);
          if (file && this.#room !== room) return room.draft.tray.push(entryOf(file)); // nobody said that it is to be sent
          try {
            if (file) this.#events.send(room, { text: "", file: await prepare(file) });
          } catch (error) {
            this.say(error.message);
          }
        },
      });
      $("record-time").textContent = "0:00";
      this.#showRecording(true);
      $("record-stop").focus();
    } catch {
      this.say("The microphone cannot be used. Is it allowed for this page?");
    }
  }

  #showRecording(on) {
    const hadFocus = $("recording").contains(document.activeElement);
    $("writing").hidden = on;
    $("recording").hidden = !on;
    if (!on && hadFocus) $("record").focus();
  }
}

/** entryOf is a file as it waits in a tray. */
const entryOf = (file) => ({ file, url: kindOf(file.type) === "picture" ? URL.createObjectURL(file) : "" });
