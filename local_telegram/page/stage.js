// The surroundings of the chat: the person, their chats, and the faults to try.

import { make } from "./text.js";
import { word, wordOr } from "./words.js";

const byId = (id) => document.getElementById(id);
const levers = byId("levers");
const promises = byId("promises");
const places = byId("places");
const opener = byId("list");

/** Shows links to everybody's page; each opens its own tab. */
export function showPeople(people, me) {
  const links = people.map(({ id, name }) => {
    const face = make("span", "face", [...name][0] ?? "");
    face.setAttribute("aria-hidden", "true");
    const link = make("a", "", face, make("span", "name", name));
    link.href = `/?as=${id}`;
    link.title = word(id === me ? "you_are" : "be", { name });
    link.style.setProperty("--face", faceOf(id));
    if (id === me) link.setAttribute("aria-current", "page");
    else link.target = `person-${id}`;
    return link;
  });
  byId("people").replaceChildren(...(people.length > 1 ? links : []));
}

/** A colour for each person, the same in every tab; white is readable on all of them. */
export function faceOf(id) {
  return `var(--face-${colorOf(id)})`;
}

/** Returns a person's index among the six colours. */
export function colorOf(id) {
  return (Math.abs(id) % 13) % 6;
}

/** Returns a place's name: a forum's first topic has no name of its own. */
export function titleOf({ topic, title, group }) {
  return topic === 0 && group && group !== title ? word("general") : title;
}

/** Lists the chats and topics; `go(chat, topic)` shows another one. */
export class Places {
  constructor(key, go) {
    this.key = `seen as ${key}`;
    this.go = go;
    this.seen = JSON.parse(sessionStorage.getItem(this.key) ?? "{}");
    opener.addEventListener("click", (event) => { event.stopPropagation(); this.open(places.dataset.open !== "yes"); });
    document.addEventListener("click", () => this.open(false));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.open(false); });
  }

  /** Marks `here`, the place that is shown, as read. */
  show(all, here) {
    let others = 0;
    const items = [];
    let group = "";
    for (const place of all) {
      const name = `${place.chat}/${place.topic}`;
      const current = place.chat === here.chat && place.topic === here.topic;
      if (current || !(name in this.seen)) this.seen[name] = place.newest;
      const unread = place.newest > this.seen[name];
      others += unread ? 1 : 0;
      if (place.group !== group && place.group !== place.title) items.push(make("p", "", place.group));
      group = place.group;
      items.push(this.item(place, current, unread));
    }
    sessionStorage.setItem(this.key, JSON.stringify(this.seen));
    places.hidden = opener.hidden = all.length < 2;
    opener.querySelector(".dot").hidden = others === 0;
    const focused = places.contains(document.activeElement) ? document.activeElement.dataset.place : null;
    places.replaceChildren(...items);
    if (focused) places.querySelector(`[data-place="${focused}"]`)?.focus();
  }

  item(place, current, unread) {
    const { chat, topic, group } = place;
    const title = titleOf(place);
    const sign = make("span", "sign", group && group !== title ? "#" : [...title][0] ?? "");
    sign.setAttribute("aria-hidden", "true");
    const button = make("button", unread ? "unread" : "", sign, make("span", "name", title));
    button.type = "button";
    button.dataset.place = `${chat}/${topic}`;
    if (current) button.setAttribute("aria-current", "page");
    if (unread) button.append(make("span", "dot", make("span", "hear", word("unread"))));
    button.addEventListener("click", () => this.go(chat, topic));
    return button;
  }

  open(shown) {
    places.dataset.open = shown ? "yes" : "no";
    opener.setAttribute("aria-expanded", String(shown));
  }
}

/** Shows the faults that a visitor may try; `pull(name, words)` triggers one, labelled `words`. */
export class Promises {
  constructor(pull) {
    this.pull = pull;
    this.rows = new Map();
    promises.addEventListener("click", (event) => { event.stopPropagation(); this.open(levers.hidden); });
    levers.addEventListener("click", (event) => event.stopPropagation());
    document.addEventListener("click", () => this.open(false));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.open(false); });
    setInterval(() => this.count(), 500);
  }

  show(offered) {
    promises.hidden = offered.length === 0;
    const names = offered.map(({ name }) => name).join("\n");
    if (names !== [...this.rows.keys()].join("\n")) {
      this.rows = new Map(offered.map((lever) => [lever.name, this.row(lever)]));
      const intro = make("p", "", word("promises_intro"));
      levers.replaceChildren(intro, ...[...this.rows.values()].map(({ element }) => element));
    }
    for (const { name, left_ms: left } of offered) this.rows.get(name).ends = left ? Date.now() + left : 0;
    this.count();
  }

  row({ name, promise, key }) {
    const words = { name: wordOr(key, name), promise: wordOr(`${key}_promise`, promise) };
    const button = make("button", "lever", make("b", "", words.name), make("span", "", words.promise), make("span", "left"));
    button.type = "button";
    button.addEventListener("click", () => { this.open(false); this.pull(name, words.name); });
    return { element: button, name: words.name, ends: 0 };
  }

  count() {
    let broken = "";
    for (const row of this.rows.values()) {
      const left = Math.ceil((row.ends - Date.now()) / 1000);
      row.element.querySelector(".left").textContent = left > 0 ? word("left", { seconds: left }) : "";
      row.element.disabled = left > 0;
      if (left > 0) broken ||= { name: `${row.name}: `, left: word("seconds", { seconds: left }) };
    }
    promises.classList.toggle("broken", Boolean(broken));
    promises.querySelector("span").textContent = broken ? broken.name : word("promises");
    promises.querySelector("b").textContent = broken ? broken.left : "";
  }

  open(shown) {
    levers.hidden = !shown;
    promises.setAttribute("aria-expanded", String(shown));
  }
}
