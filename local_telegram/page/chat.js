// The page of the local chat: follows the room by server-sent events and brings taps and texts back.

import { Composer } from "./composer.js";
import { MessageList } from "./list.js";
import { closeAlert, showAlert, showPhoto, toast } from "./notes.js";
import { Places, Promises, faceOf, showPeople, titleOf } from "./stage.js";
import { make, startWord } from "./text.js";
import { language, word, wordOr } from "./words.js";

const ANSWER_MS = 15_000;
const UNSEEN_MS = 10_000;
const TRIED = "/health"; // the command that one is shown first in a group: it tells no figures of the account
const byId = (id) => document.getElementById(id);
const status = byId("status");
const seat = seatOf(location.search);
let me = seat.person;
let bot = { name: "", username: "" };
let members = 0;
let cursor = "";
let events = null;
let resting = 0;
let doing = { words: "", ends: 0 };
let everybody = [];
const waiting = new Map(); // query id -> the button that turns

const on = {
  command: (text) => say(composer.addressed(text), null),
  press,
  reply: (message) => composer.reply(message, message.mine ? word("you") : message.name),
  show: showPhoto,
  jump: (id) => list.jump(id),
};
const list = new MessageList(on, async (before) => (await fetch(`/api/earlier?${query()}&before=${before}`)).json());
const composer = new Composer(written, upload);
const places = new Places(seat.person, go);
const promises = new Promises(async (lever, name) => { if (await post("/api/lever", { name: lever })) toast(word("pulled", { name })); });

/** Reads the person and the place from the page's address; person 0 is the owner, chat 0 the one with the bot. */
function seatOf(search) {
  const asked = new URLSearchParams(search);
  const number = (name) => (/^-?\d{1,16}$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : 0);
  return { person: number("as"), chat: number("chat"), topic: number("topic") };
}

function query() {
  return `as=${seat.person}&chat=${seat.chat}&topic=${seat.topic}`;
}

/** Shows another chat or topic, with its own address. */
function go(chat, topic, { remember = true } = {}) {
  Object.assign(seat, { chat: chat === me ? 0 : chat, topic });
  if (remember) history.pushState(null, "", `/?${query()}`);
  cursor = "";
  composer.reply(null);
  places.open(false);
  connect();
}

function connect() {
  events?.close();
  const mine = new EventSource(`/api/events?${query()}&after=${encodeURIComponent(cursor)}`);
  events = mine;
  mine.onopen = () => { document.body.dataset.connected = "yes"; showStatus(); };
  mine.onmessage = (event) => { if (events === mine) apply(JSON.parse(event.data)); };
  mine.onerror = () => {
    if (events !== mine) return;
    document.body.dataset.connected = "no";
    showStatus();
    // A browser gives up on some errors; then the page itself tries again.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => events === mine && connect(), 1500);
  };
}

function apply(delta) {
  cursor = delta.cursor;
  if (delta.reset) introduce(delta);
  if (delta.reset) list.reset(delta.messages, delta.more);
  else list.update(delta.messages, delta.deleted);
  const forced = composer.offer(delta, seat.chat ? bot.username : "");
  if (forced && list.messages.has(forced)) on.reply(list.messages.get(forced));
  promises.show(delta.levers);
  places.show(delta.places, { chat: seat.chat || me, topic: seat.topic });
  if (delta.reset && location.hash.startsWith("#start=")) {
    const link = decodeURIComponent(location.hash.slice("#start=".length));
    history.replaceState(null, "", location.pathname + location.search);
    say(`/start ${link}`);
  }
  delta.notices.forEach(answered);
  const { pinned } = delta;
  byId("pinned").hidden = !pinned;
  byId("pinned").querySelector("span").textContent = pinned?.kind ? word(pinned.kind) : pinned?.text ?? "";
  byId("pinned").onclick = () => list.jump(pinned.id);
  welcome(delta);
  doing = { words: wordOr(delta.action, word("busy")), ends: Date.now() + delta.action_ms };
  if (delta.action_ms) setTimeout(showStatus, delta.action_ms + 50);
  showStatus();
}

/** Returns the text of an empty chat: the bot's purpose, or what to try in the group. */
function welcome({ description, started }) {
  const said = description[language] || description[""] || "";
  const box = byId("welcome");
  box.hidden = members ? !list.isQuiet : !list.isEmpty || !said;
  if (box.hidden) return;
  box.querySelector("b").textContent = word(members ? "what_here" : "what_can");
  box.querySelector("p").textContent = members ? word("in_group") : said;
  byId("begin").textContent = members ? TRIED : word("start");
  byId("begin").hidden = !members && !started; // then one starts below
  byId("invited").hidden = members > 0 || me === everybody[0].id;
}

/** Sends typed or pasted text: a link to the bot does the same as a tap on it. */
function written(text, replyTo) {
  const link = seat.chat ? "" : startWord(text);
  return link && mayOpen(link) ? say(`/start ${link}`) : say(text, replyTo);
}

/** Opens an invitation as somebody other than the owner, who made it. */
function mayOpen(link) {
  return !link.startsWith("in_") || me !== everybody[0].id;
}

function introduce(delta) {
  ({ bot, me, members, people: everybody } = delta);
  document.body.dataset.bot = bot.username;
  document.body.classList.toggle("in-group", members > 0);
  const here = delta.places.find((place) => place.chat === delta.chat && place.topic === delta.topic);
  const title = here.group && here.group !== here.title ? `${here.group} › ${titleOf(here)}` : here.title;
  const mine = everybody.find(({ id }) => id === me);
  document.title = everybody.length > 1 ? `${mine.name} · ${title}` : title;
  byId("bot-name").textContent = title;
  byId("bot-name").append(everybody.length > 1 ? make("span", "as", word("as", { name: mine.name })) : "");
  const avatar = document.querySelector("#top .avatar");
  avatar.textContent = [...title][0] ?? "";
  avatar.style.background = members ? faceOf(delta.chat) : "";
  showPeople(everybody, me);
}

/** Follows a link that starts the bot: a story goes to the person who taps, an invitation to somebody else. */
function start(link) {
  if (mayOpen(link)) {
    if (seat.chat) go(0, 0);
    return say(`/start ${link}`);
  }
  const links = everybody.map(({ id: other, name }) => {
    const way = make("a", "", name);
    way.href = `/?as=${other}#start=${encodeURIComponent(link)}`;
    way.target = `person-${other}`;
    way.onclick = closeAlert;
    return way;
  });
  showAlert(word("open_as"), ...links);
}

function showStatus() {
  const connected = document.body.dataset.connected === "yes";
  const busy = connected && Date.now() < doing.ends;
  status.classList.toggle("active", busy || !connected);
  const rest = members ? word("members", { count: members }) : word("bot");
  const at = members ? word("somebody_is", { name: bot.name, doing: doing.words }) : doing.words;
  status.textContent = connected ? (busy ? at : rest) : word("connecting");
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
    toast(result.description ?? word("failed"));
  } catch {
    toast(word("no_connection"));
  }
  return null;
}

async function say(text, replyTo = null) {
  const place = { person: me, chat: seat.chat, topic: seat.topic };
  return (await post("/api/send", { ...place, text, reply_to: replyTo })) !== null;
}

async function upload(file, caption) {
  const form = new FormData();
  form.append("person", me);
  form.append("chat", seat.chat);
  form.append("topic", seat.topic);
  form.append("caption", caption);
  form.append("file", file);
  return (await post("/api/upload", form)) !== null;
}

async function press(message, data, button) {
  button.disabled = true;
  pressing += 1;
  const result = await post("/api/press", { person: me, chat: seat.chat, message: message.id, data });
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

// A browser keeps only six connections to a server: a hidden tab closes its own, and catches up when it is shown.
document.addEventListener("visibilitychange", () => {
  clearTimeout(resting);
  if (!document.hidden && events === null) connect();
  if (document.hidden) resting = setTimeout(() => { events?.close(); events = null; }, UNSEEN_MS);
});
document.addEventListener("start-bot", ({ detail }) => start(detail));
byId("start").addEventListener("click", () => say("/start"));
byId("begin").addEventListener("click", () => say(members ? composer.addressed(TRIED) : "/start"));
byId("invited").addEventListener("submit", (event) => {
  event.preventDefault();
  const link = startWord(byId("invitation").value.trim());
  byId("invitation").value = "";
  if (link) start(link);
  else toast(word("no_invitation"));
});
window.addEventListener("popstate", () => {
  const { chat, topic } = seatOf(location.search);
  go(chat, topic, { remember: false });
});
document.addEventListener("keydown", (event) => {
  const plain = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && document.activeElement === document.body && !document.querySelector("dialog[open]")) byId("text").focus();
});
connect();
