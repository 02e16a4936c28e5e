// Renders one message: bubble, photo, file, quotation, reactions, buttons.

import { colorOf, faceOf } from "./stage.js";
import { formatted, icon, make, startWord } from "./text.js";
import { language, word } from "./words.js";

const CHECKS = "M2 13l4.5 4.5L16 7M11 16l1.5 1.5L22 7";
const FILE = "M12 4v11m-5-4.5l5 5 5-5M5 20h14";
const REPLY = "M10 6L4 12l6 6M4 12h9c4 0 7 2 7 6";
const LINK = "M8 16L17 7M9 7h8v8";
const COPY = "M9 9h10v10H9zM5 15V5h10";
const BELL_OFF = "M6 16V11a6 6 0 0 1 9-5.2M18 10v6l2 2H8M10 21h4M4 3l17 18";
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const moment = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });

/** Draws a message. `on` holds the page's actions: command, press, reply, show, jump. */
export function draw(message, on) {
  const row = make("article", message.service ? "service" : "message");
  row.id = `m${message.id}`;
  if (message.service) {
    row.append(make("span", "", word(message.service, { name: message.name, title: message.text })));
    return row;
  }
  row.classList.toggle("mine", message.mine);
  row.classList.toggle("edited", message.edited);
  row.classList.toggle("silent", message.silent);
  const bubble = make("div", "bubble");
  if (!message.mine) row.append(...sender(message, bubble));
  if (message.reply) bubble.append(quote(message.reply, on));
  if (message.photo) bubble.append(photo(message, on));
  if (message.document) bubble.append(file(message.document));
  if (message.text) bubble.append(make("div", "text", formatted(message.text, message.entities, on.command)));
  if (message.reactions.length) bubble.append(make("div", "reactions", ...message.reactions.map((one) => make("span", "", one))));
  bubble.append(meta(message), answer(message, on));
  bubble.classList.toggle("bare", Boolean(message.photo) && !message.text && !message.reply && !message.reactions.length);
  // Without a pointer that hovers, a tap shows the other actions.
  bubble.addEventListener("click", () => {
    document.querySelectorAll(".touched").forEach((other) => other !== row && other.classList.remove("touched"));
    row.classList.toggle("touched");
  });
  bubble.addEventListener("dblclick", (event) => {
    if (event.target.closest(".text, button, a") === null) on.reply(message);
  });
  row.append(bubble);
  if (message.buttons.length) row.append(buttons(message, on));
  return row;
}

/** Returns the author; shown only in a group. */
function sender({ sender: id, name }, bubble) {
  const face = make("span", "face", [...name][0] ?? "");
  face.setAttribute("aria-hidden", "true");
  face.style.setProperty("--face", faceOf(id));
  const line = make("span", "sender", name);
  line.style.setProperty("--name", `var(--name-${colorOf(id)})`);
  bubble.append(line);
  return [face];
}

function meta(message) {
  const line = make("span", "meta");
  if (message.edited) line.append(word("edited"));
  if (message.silent) line.append(icon(BELL_OFF, "bell"));
  const time = make("time", "", clock.format(message.at));
  time.dateTime = new Date(message.at).toISOString();
  time.title = moment.format(message.at);
  line.append(time);
  if (message.mine) line.append(icon(CHECKS));
  return line;
}

function answer(message, on) {
  const button = make("button", "answer round", icon(REPLY));
  button.type = "button";
  button.title = word("reply");
  button.addEventListener("click", () => on.reply(message));
  return button;
}

function quote(reply, on) {
  const button = make("button", "quote", make("b", "", reply.name), make("span", "", reply.kind ? word(reply.kind) : reply.text));
  button.type = "button";
  button.addEventListener("click", () => on.jump(reply.id));
  return button;
}

function photo(message, on) {
  const { url, name, width, height } = message.photo;
  const scale = Math.min(1, 480 / width, 420 / height);
  const image = make("img");
  image.src = url;
  image.alt = message.text || name;
  image.decoding = "async";
  const button = make("button", message.text ? "photo" : "photo alone", image);
  button.type = "button";
  button.title = word("open");
  // The space is reserved before the picture is loaded, so nothing jumps.
  button.style.width = `${Math.max(120, Math.round(width * scale))}px`;
  button.style.maxWidth = message.text ? "calc(100% + 21px)" : "100%";
  button.style.aspectRatio = `${width} / ${height}`;
  button.addEventListener("click", () => on.show(url, image.alt, message.text));
  return button;
}

function file({ url, name, size }) {
  const words = make("span", "", make("b", "", name), make("small", "", bytes(size)));
  const anchor = make("a", "document", make("span", "icon", icon(FILE)), words);
  anchor.href = `${url}?download=true`;
  anchor.download = name;
  return anchor;
}

function bytes(size) {
  const units = ["B", "KB", "MB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(size, 1)) / 10));
  return `${(size / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

function buttons(message, on) {
  const rows = message.buttons.map((row) => make("div", "", ...row.map((button) => inline(message, button, on))));
  return make("div", "buttons", ...rows);
}

function inline(message, button, on) {
  const element = make("button", button.style ?? "", button.text);
  element.type = "button";
  if (button.url) element.append(icon(LINK, "kind"));
  if (button.copy_text) element.append(icon(COPY, "kind"));
  element.addEventListener("click", () => {
    if (button.callback_data) on.press(message, button.callback_data, element);
    else if (button.copy_text) document.dispatchEvent(new CustomEvent("copy-text", { detail: button.copy_text.text }));
    else if (startWord(button.url)) document.dispatchEvent(new CustomEvent("start-bot", { detail: startWord(button.url) }));
    else if (/^https?:\/\//i.test(button.url)) window.open(button.url, "_blank", "noopener,noreferrer");
  });
  return element;
}
