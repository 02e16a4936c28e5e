// The list of messages on screen: order, groups, days, scrolling, unread badge.

import { draw } from "./message.js";
import { make } from "./text.js";
import { language, word } from "./words.js";

const GROUP_MS = 5 * 60_000;
const NEAR = 120;
const STILL_MS = 900;
const scroll = document.getElementById("scroll");
const box = document.getElementById("messages");
const down = document.getElementById("down");
const badge = down.querySelector(".badge");
const dayName = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
const dayWithYear = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });

export class MessageList {
  /** `on` goes to message.js; `loadEarlier(id)` returns {messages, more}. */
  constructor(on, loadEarlier) {
    this.on = on;
    this.loadEarlier = loadEarlier;
    this.messages = new Map();
    this.unread = 0;
    this.more = false;
    this.loading = false;
    scroll.addEventListener("scroll", () => this.scrolled());
    scroll.addEventListener("scrollend", () => this.markStuck());
    down.addEventListener("click", () => this.toEnd());
    // The end stays in sight when the composer grows, a picture loads or a phone's keyboard opens.
    this.following = true;
    const keep = new ResizeObserver(() => this.following && this.toEnd("instant"));
    keep.observe(scroll);
    keep.observe(box);
  }

  get isEmpty() {
    return this.messages.size === 0;
  }

  /** Tells whether nobody has written yet; Telegram's own notices do not count. */
  get isQuiet() {
    return [...this.messages.values()].every((message) => message.service);
  }

  reset(messages, more) {
    this.messages = new Map(messages.map((message) => [message.id, message]));
    this.more = more;
    this.unread = 0;
    box.replaceChildren(...messages.map((message) => draw(message, this.on)));
    this.arrange();
    this.toEnd("instant");
  }

  update(messages, deleted) {
    const follow = this.following || messages.some((message) => message.mine && !this.messages.has(message.id));
    for (const id of deleted) this.remove(id);
    for (const message of messages) this.put(message);
    this.arrange();
    if (follow) this.toEnd(document.hidden ? "instant" : "smooth");
    this.showBadge();
  }

  put(message) {
    const old = document.getElementById(`m${message.id}`);
    const element = draw(message, this.on);
    if (old) {
      old.replaceWith(element);
    } else if (this.messages.size && message.id < this.messages.keys().next().value) {
      return; // changed, but above what is loaded
    } else {
      element.classList.add("fresh");
      box.append(element);
      if (!message.mine && !this.following) this.unread += 1;
    }
    this.messages.set(message.id, message);
  }

  remove(id) {
    this.messages.delete(id);
    document.getElementById(`m${id}`)?.remove();
  }

  /** Sets day separators, and where a group of bubbles begins and ends. */
  arrange() {
    box.querySelectorAll(".day").forEach((day) => day.remove());
    const all = [...this.messages.values()];
    all.forEach((message, index) => {
      const before = all[index - 1];
      const after = all[index + 1];
      const element = document.getElementById(`m${message.id}`);
      element.classList.toggle("first", !before || !together(before, message));
      element.classList.toggle("last", !after || !together(message, after));
      if (!before || dayOf(before) !== dayOf(message)) element.before(make("div", "day", dayLabel(message.at)));
    });
    this.markStuck();
  }

  jump(id) {
    const element = document.getElementById(`m${id}`);
    if (!element) return;
    element.scrollIntoView({ block: "center", behavior: "smooth" });
    element.classList.remove("flash");
    requestAnimationFrame(() => element.classList.add("flash"));
  }

  toEnd(behavior = "smooth") {
    this.following = true;
    scroll.scrollTo({ top: scroll.scrollHeight, behavior });
  }

  scrolled() {
    const left = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
    // While it scrolls to the end it counts as following, though it is not at the end yet.
    if (left < NEAR) this.following = true;
    else if (scroll.scrollTop < (this.lastTop ?? 0)) this.following = false;
    this.lastTop = scroll.scrollTop;
    if (this.following) this.unread = 0;
    this.showBadge();
    this.markStuck();
    if (!this.following) this.showDays();
    if (scroll.scrollTop < 300 && this.more && !this.loading) this.showEarlier();
  }

  /** Tells whether a day separator has left its own place and lies over a message. */
  markStuck() {
    for (const day of box.querySelectorAll(".day")) {
      const below = day.nextElementSibling.getBoundingClientRect();
      day.classList.toggle("stuck", below.top < day.getBoundingClientRect().bottom);
    }
  }

  showDays() {
    scroll.classList.add("moving");
    clearTimeout(this.still);
    this.still = setTimeout(() => scroll.classList.remove("moving"), STILL_MS);
  }

  async showEarlier() {
    this.loading = true;
    try {
      const first = this.messages.keys().next().value;
      const { messages, more } = await this.loadEarlier(first);
      const bottom = scroll.scrollHeight - scroll.scrollTop;
      box.prepend(...messages.map((message) => draw(message, this.on)));
      this.messages = new Map([...messages.map((message) => [message.id, message]), ...this.messages]);
      this.more = more;
      this.arrange();
      scroll.scrollTop = scroll.scrollHeight - bottom;
    } finally {
      this.loading = false;
    }
  }

  showBadge() {
    down.hidden = this.following;
    badge.hidden = this.unread === 0;
    badge.textContent = this.unread > 99 ? "99+" : String(this.unread);
  }
}

function dayOf(message) {
  return new Date(message.at).toDateString();
}

function together(one, other) {
  return one.sender === other.sender && !one.service && !other.service && other.at - one.at < GROUP_MS && dayOf(one) === dayOf(other);
}

function dayLabel(at) {
  const today = new Date();
  const day = new Date(at);
  if (day.toDateString() === today.toDateString()) return word("today");
  const yesterday = new Date(today);
  yesterday.setDate(today.getDate() - 1);
  if (day.toDateString() === yesterday.toDateString()) return word("yesterday");
  return (day.getFullYear() === today.getFullYear() ? dayName : dayWithYear).format(day);
}
