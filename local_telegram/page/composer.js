// The area below the messages: input, command menu, reply line, the bot's keyboard, files.

import { make } from "./text.js";
import { word } from "./words.js";

const byId = (id) => document.getElementById(id);
const text = byId("text");
const send = byId("send");
const suggestions = byId("suggestions");
const keyboard = byId("keyboard");
const keys = byId("keys");
const replying = byId("replying");

export class Composer {
  /** `onSend(text, replyTo)` and `onFile(file, caption)` tell whether it was sent. */
  constructor(onSend, onFile) {
    this.onSend = onSend;
    this.onFile = onFile;
    this.commands = [];
    this.botName = ""; // in a group, where a command says whose it is
    this.offered = 0; // the message that brought the bot's keyboard
    this.rows = "[]";
    this.replyTo = null;
    this.replyName = "";
    byId("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    text.addEventListener("input", () => this.typed());
    text.addEventListener("keydown", (event) => this.keyed(event));
    text.addEventListener("blur", () => setTimeout(() => this.suggest([]), 150));
    text.addEventListener("paste", (event) => this.attach(event.clipboardData?.files, event));
    byId("menu").addEventListener("mousedown", (event) => event.preventDefault()); // the blur would close what the click opens
    byId("menu").addEventListener("click", () => this.toggleMenu());
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", (event) => { this.attach(event.target.files); event.target.value = ""; });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => { event.preventDefault(); this.attach(event.dataTransfer?.files); });
    keys.addEventListener("click", () => this.showKeyboard(keyboard.hidden));
    replying.querySelector("button").addEventListener("click", () => this.reply(null));
    this.typed();
  }

  /** Takes the bot's commands and keyboard. Returns the id of a message that asks for a reply, once, or 0. */
  offer({ commands, menu, started, keyboard: offered }, botName) {
    this.commands = commands;
    this.botName = botName;
    byId("menu").hidden = !menu || commands.length === 0;
    byId("start").hidden = started;
    byId("composer").hidden = !started;
    text.placeholder = offered.placeholder || word("message");
    const rows = JSON.stringify(offered);
    if (rows === this.rows) return 0;
    this.rows = rows;
    this.oneTime = offered.one_time;
    this.offered = offered.message;
    keyboard.replaceChildren(...offered.rows.map((row) => make("div", "", ...row.map((label) => this.key(label)))));
    keyboard.classList.toggle("tall", !offered.resize);
    keys.hidden = offered.rows.length === 0 || offered.persistent;
    this.showKeyboard(offered.rows.length > 0);
    return offered.forced ? offered.message : 0;
  }

  /** Returns a command as an app sends it: in a group with the bot's name. */
  addressed(command) {
    return this.botName && /^\/\w+$/.test(command) ? `${command}@${this.botName}` : command;
  }

  reply(message, name = "") {
    this.replyTo = message;
    this.replyName = name;
    replying.hidden = message === null;
    if (message === null) return;
    const [title, line] = replying.querySelectorAll("b, .line span");
    title.textContent = name;
    line.textContent = message.text || (message.photo ? word("photo") : message.document?.name ?? "");
    text.focus();
  }

  async submit() {
    const written = text.value.trim();
    if (!written) return;
    text.value = "";
    this.typed();
    this.suggest([]);
    const { replyTo, replyName } = this;
    this.reply(null);
    if (!(await this.onSend(written, replyTo?.id ?? null)) && !text.value) {
      text.value = written; // what did not go is not lost
      this.typed();
      this.reply(replyTo, replyName);
    }
  }

  typed() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    send.disabled = text.value.trim() === "";
    const wanted = /^\/[a-z0-9_]*$/i.exec(text.value);
    const start = wanted ? text.value.slice(1).toLowerCase() : "";
    this.suggest(wanted ? this.commands.filter((one) => one.command.startsWith(start)) : []);
  }

  keyed(event) {
    if (event.isComposing) return;
    const open = !suggestions.hidden;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.choose(this.chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (open && event.key === "Tab") {
      event.preventDefault();
      text.value = `/${this.suggested[Math.max(this.chosen, 0)].command} `;
      this.typed();
    } else if (event.key === "Escape") {
      if (open) this.suggest([]);
      else this.reply(null);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (open && this.chosen >= 0) text.value = this.addressed(`/${this.suggested[this.chosen].command}`);
      this.submit();
    }
  }

  toggleMenu() {
    const open = !suggestions.hidden;
    text.focus();
    this.suggest(open ? [] : this.commands);
  }

  suggest(commands) {
    this.suggested = commands;
    this.chosen = -1;
    suggestions.hidden = commands.length === 0;
    suggestions.replaceChildren(...commands.map((one) => this.suggestion(one)));
  }

  suggestion({ command, description }) {
    const button = make("button", "", make("b", "", `/${command}`), make("span", "", description));
    button.type = "button";
    button.setAttribute("role", "option");
    button.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the input's focus
    button.addEventListener("click", () => { text.value = this.addressed(`/${command}`); this.submit(); });
    return button;
  }

  choose(index) {
    const options = [...suggestions.children];
    this.chosen = (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.chosen)));
    options[this.chosen].scrollIntoView({ block: "nearest" });
  }

  key(label) {
    const button = make("button", "", label);
    button.type = "button";
    button.addEventListener("click", () => {
      this.onSend(label, this.botName ? this.offered : null); // in a group it answers, or the bot would not see it
      if (this.oneTime) this.showKeyboard(false);
    });
    return button;
  }

  showKeyboard(shown) {
    keyboard.hidden = !shown;
    keys.setAttribute("aria-pressed", String(shown));
  }

  async attach(files, event) {
    const [file] = files ?? [];
    if (!file) return;
    event?.preventDefault();
    const caption = text.value.trim();
    if (await this.onFile(file, caption)) {
      text.value = "";
      this.typed();
    }
  }
}
