// The panels beside the conversation: rooms, people, and how they slide in on a narrow screen.

import { $, avatar, el, hue, initials } from "./dom.js";

/** showRooms lists the rooms; pick(name) is called for the one that is clicked. */
export function showRooms(rooms, pick) {
  const list = $("rooms");
  // The server is asked about the rooms that exist; those the visitor is in are there even while offline.
  const people = new Map(rooms.others.map((room) => [room.name, room.people]));
  const others = rooms.others.filter((room) => !rooms.get(room.name));
  const focused = document.activeElement?.closest?.("#rooms [data-room]")?.dataset.room;

  const item = (name, joined) => {
    const current = rooms.current?.name === name;
    const unread = rooms.get(name)?.unread ?? 0;
    const here = people.get(name) ?? 0;
    const count = unread
      ? el("span", { class: "unread" }, unread > 99 ? "99+" : String(unread), el("span", { class: "hidden" }, " unread"))
      : el("span", { class: "here" }, String(here), el("span", { class: "hidden" }, " people"));
    return el("li", { "data-testid": "room-item", "data-room": name, "data-joined": String(joined), "data-current": String(current), "data-unread": String(unread) },
      el("button", { type: "button", "aria-current": current ? "true" : null, onclick: () => pick(name) },
        el("span", { class: "hash", "aria-hidden": "true" }, "#"), el("span", { class: "name" }, name), count));
  };
  const heading = (text) => el("li", {}, el("h3", {}, text));
  list.replaceChildren(heading("Your rooms"), ...rooms.names.map((name) => item(name, true)),
    ...(others.length ? [heading("Other rooms"), ...others.map((room) => item(room.name, false))] : []));
  if (focused) list.querySelector(`[data-room="${CSS.escape(focused)}"] button`)?.focus();
}

export function showPeople({ people, total }, myId, online) {
  const sorted = people.toSorted((a, b) => (b.id === myId) - (a.id === myId) || a.nick.localeCompare(b.nick));
  const more = total - people.length;
  $("people").replaceChildren(...sorted.map((person) =>
    el("li", { "data-testid": "person", "data-nick": person.nick }, avatar(person.nick),
      el("span", { class: "name" }, person.nick), person.id === myId ? el("span", { class: "you" }, "you") : null)),
  ...(more > 0 ? [el("li", { class: "muted" }, `and ${more} more`)] : []));
  $("people").dataset.stale = String(!online);
  $("people-count").textContent = String(total);
  $("people-badge").textContent = String(total);
  $("open-people").setAttribute("aria-label", `Who is here: ${total}`);
}

export function showMe(nick) {
  $("my-nick").textContent = nick;
  $("my-avatar").textContent = initials(nick);
  $("my-avatar").style.setProperty("--hue", hue(nick));
}

/** typingLine says who is typing: one or two by name, more as a number. */
export function showTyping(nicks) {
  const line = $("typing");
  if (!nicks.length) return line.replaceChildren();
  const who = nicks.length === 1 ? `${nicks[0]} is typing`
    : nicks.length === 2 ? `${nicks[0]} and ${nicks[1]} are typing` : `${nicks.length} people are typing`;
  line.replaceChildren(el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), who);
}

const PANELS = { "open-rooms": "rooms-panel", "open-people": "people-panel" };

/** onlyPanel keeps the focus, and what is read out, in one panel while it lies over the rest; null ends that. */
function onlyPanel(panel) {
  for (const part of $("chat-view").children) part.inert = panel !== null && part !== $("scrim") && part !== panel;
  $("scrim").classList.toggle("open", panel !== null);
}

export function closePanels() {
  onlyPanel(null);
  for (const [button, panel] of Object.entries(PANELS)) {
    if (!$(panel).classList.contains("open")) continue;
    $(panel).classList.remove("open");
    $(button).setAttribute("aria-expanded", "false");
    $(button).focus();
  }
}

export function bindPanels() {
  for (const [button, panel] of Object.entries(PANELS)) {
    $(button).addEventListener("click", () => {
      $(panel).classList.add("open");
      onlyPanel($(panel));
      $(button).setAttribute("aria-expanded", "true");
      $(panel).querySelector("[data-close]").focus();
    });
    $(panel).querySelector("[data-close]").addEventListener("click", closePanels);
  }
  $("scrim").addEventListener("click", closePanels);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closePanels());
  // On a wider screen a panel lies beside the rest again.
  for (const width of ["(max-width: 1080px)", "(max-width: 760px)"]) matchMedia(width).addEventListener("change", closePanels);
}
