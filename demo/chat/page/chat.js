// The page of the local chat: follows the room by server-sent events and brings taps and texts back.

import { Composer } from "./composer.js";
import { MessageList } from "./list.js";
import { make } from "./text.js";

const ANSWER_MS = 15_000;
const byId = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get("as") ?? "";
const person = /^\d+$/.test(asked) ? asked : "0";
const status = byId("status");
let me = Number(person);
let botName = "";
let cursor = "";
let typingEnds = 0;
let everybody = [];
const waiting = new Map(); // query id -> the button that turns

const on = {
  command: (text) => say(text, null),
  press,
  reply: (message) => composer.reply(message, message.mine ? "You" : botName),
  show: showPhoto,
  jump: (id) => list.jump(id),
};
const list = new MessageList(on, async (before) => (await fetch(`/api/earlier?as=${person}&before=${before}`)).json());
const composer = new Composer(say, upload);

document.addEventListener("start-bot", ({ detail }) => start(detail));

function connect() {
  const events = new EventSource(`/api/events?as=${person}&after=${encodeURIComponent(cursor)}`);
  events.onopen = () => { document.body.dataset.connected = "yes"; showStatus(); };
  events.onmessage = (event) => apply(JSON.parse(event.data));
  events.onerror = () => {
    document.body.dataset.connected = "no";
    showStatus();
    // A browser gives up on some errors; then the page itself tries again.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 1500);
  };
}

function apply(delta) {
  cursor = delta.cursor;
  if (delta.reset) introduce(delta);
  if (delta.reset) list.reset(delta.messages, delta.more);
  else list.update(delta.messages, delta.deleted);
  composer.offer(delta);
  offerLevers(delta.levers);
  if (delta.reset && location.hash.startsWith("#start=")) {
    const word = decodeURIComponent(location.hash.slice("#start=".length));
    history.replaceState(null, "", location.pathname + location.search);
    say(`/start ${word}`);
  }
  delta.notices.forEach(answered);
  const { pinned } = delta;
  byId("pinned").hidden = !pinned;
  byId("pinned").querySelector("span").textContent = pinned?.text ?? "";
  byId("pinned").onclick = () => list.jump(pinned.id);
  byId("welcome").hidden = !list.isEmpty || !delta.description;
  byId("welcome").querySelector("p").textContent = delta.description;
  typingEnds = Date.now() + delta.typing_ms;
  if (delta.typing_ms) setTimeout(showStatus, delta.typing_ms + 50);
  showStatus();
}

function introduce({ bot, me: id, people }) {
  me = id;
  botName = bot.name;
  document.title = bot.name;
  byId("bot-name").textContent = bot.name;
  document.querySelector(".avatar").textContent = [...bot.name][0] ?? "";
  const links = people.map(({ id: other, name }) => {
    const link = make("a", "", name);
    link.href = `/?as=${other}`;
    link.setAttribute("role", "menuitem");
    if (other === me) link.setAttribute("aria-current", "true");
    else link.target = `person-${other}`;
    return link;
  });
  everybody = people;
  byId("people-menu").replaceChildren(make("p", "", "You are"), ...links, make("p", "", "Theme"), ...themes());
  const mine = people.find(({ id: other }) => other === me);
  byId("bot-name").append(people.length > 1 && mine ? make("span", "as", ` as ${mine.name}`) : "");
}

function themes() {
  return ["auto", "light", "dark"].map((name) => {
    const link = make("a", "", name[0].toUpperCase() + name.slice(1));
    link.href = "#";
    link.setAttribute("role", "menuitemradio");
    link.setAttribute("aria-checked", String(theme() === name));
    link.onclick = (event) => {
      event.preventDefault();
      localStorage.setItem("theme", name);
      showTheme();
      for (const other of byId("people-menu").querySelectorAll("[role=menuitemradio]")) other.setAttribute("aria-checked", String(other === link));
    };
    return link;
  });
}

/** The faults that a visitor may try, where there are some. */
function offerLevers(names) {
  const present = byId("levers");
  present.hidden = !names.length;
  if (present.childElementCount - 1 === names.length) return;
  const buttons = names.map((name) => {
    const button = make("button", "lever", name);
    button.type = "button";
    button.onclick = async () => {
      if (await post("/api/lever", { name })) toast(`${name}. Watch what the bot does.`);
    };
    return button;
  });
  present.replaceChildren(make("summary", "", "Try the promises"), ...buttons);
}

/** A link that starts the bot: a story is told to whoever taps, an invitation is for somebody else. */
function start(word) {
  if (!word.startsWith("in_")) return say(`/start ${word}`);
  const links = everybody.map(({ id: other, name }) => {
    const link = make("a", "", name);
    link.href = `/?as=${other}#start=${encodeURIComponent(word)}`;
    link.target = `person-${other}`;
    link.onclick = () => byId("alert").close();
    return link;
  });
  byId("alert").querySelector("p").replaceChildren("Open the link as", ...links);
  byId("alert").showModal();
}

function showStatus() {
  const connected = document.body.dataset.connected === "yes";
  const typing = connected && Date.now() < typingEnds;
  status.classList.toggle("active", typing || !connected);
  status.textContent = connected ? (typing ? "typing" : "bot") : "connecting";
}

async function post(path, body) {
  const json = !(body instanceof FormData);
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: json ? { "Content-Type": "application/json" } : {},
      body: json ? JSON.stringify(body) : body,
    });
    const result = await answer.json();
    if (answer.ok) return result;
    toast(result.description ?? "That did not work");
  } catch {
    toast("No connection to the chat server");
  }
  return null;
}

async function say(text, replyTo) {
  return (await post("/api/send", { person: me, text, reply_to: replyTo })) !== null;
}

async function upload(file, caption) {
  const form = new FormData();
  form.append("person", me);
  form.append("caption", caption);
  form.append("file", file);
  return (await post("/api/upload", form)) !== null;
}

async function press(message, data, button) {
  button.disabled = true;
  pressing += 1;
  const result = await post("/api/press", { person: me, message: message.id, data });
  pressing -= 1;
  const done = result === null || early.has(result.query_id);
  if (pressing === 0) early.clear(); // the rest are answers to presses elsewhere
  if (done) {
    button.disabled = false;
    return;
  }
  waiting.set(result.query_id, button);
  setTimeout(() => settle(result.query_id), ANSWER_MS);
}

let pressing = 0;
const early = new Set(); // answers that overtook the answer to the press itself

function answered({ query_id: id, text, alert, url }) {
  if (!settle(id) && pressing > 0) early.add(id);
  if (text && alert) showAlert(text);
  else if (text) toast(text);
  if (url) toast(url);
}

function settle(id) {
  const button = waiting.get(id);
  if (button) button.disabled = false;
  return waiting.delete(id);
}

function toast(text) {
  const note = make("div", "toast", text);
  byId("toasts").replaceChildren(note);
  setTimeout(() => note.remove(), Math.min(7000, 2500 + text.length * 40));
}

function showAlert(text) {
  byId("alert").querySelector("p").textContent = text;
  if (!byId("alert").open) byId("alert").showModal();
}

function showPhoto(url, words) {
  const image = byId("viewer").querySelector("img");
  image.src = url;
  image.alt = words;
  byId("viewer").showModal();
}

function showPeople(shown) {
  byId("people-menu").hidden = !shown;
  byId("people").setAttribute("aria-expanded", String(shown));
}

byId("viewer").addEventListener("click", () => byId("viewer").close());
byId("people").addEventListener("click", (event) => {
  event.stopPropagation();
  showPeople(byId("people-menu").hidden);
});
document.addEventListener("click", () => showPeople(false));
document.addEventListener("copy-text", ({ detail }) => {
  navigator.clipboard?.writeText(detail).then(() => toast("Copied"), () => toast("Copying was refused"));
});
document.addEventListener("keydown", (event) => {
  const plain = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && document.activeElement === document.body && !document.querySelector("dialog[open]")) byId("text").focus();
});
connect();
