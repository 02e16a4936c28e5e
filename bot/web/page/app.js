"use strict";
// The page shows what the chat would say. It knows no trading: each tap is sent, and the answer is shown.

const telegram = window.Telegram?.WebApp;
const menu = document.getElementById("menu");
const screen_ = document.getElementById("screen");
const TAGS = new Set(["B", "I", "U", "S", "CODE", "PRE", "BLOCKQUOTE"]);
const REFRESH = 15000;
let atHome = true;
let busy = false;

// Copies text and the tags that messages have; everything else becomes plain text.
function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE) {
      const target = TAGS.has(node.tagName) ? to.appendChild(document.createElement(node.tagName)) : to;
      copy(node, target);
    }
  }
}

function row(buttons) {
  const line = document.createElement("div");
  line.className = "row";
  for (const { label, data } of buttons) {
    const button = line.appendChild(document.createElement("button"));
    button.textContent = label;
    button.addEventListener("click", () => ask(data));
  }
  return line;
}

function card(message) {
  const one = document.createElement("section");
  one.className = "card";
  if (message.photo) {
    const picture = one.appendChild(new Image());
    picture.src = `data:image/png;base64,${message.photo}`;
    picture.alt = new DOMParser().parseFromString(message.text, "text/html").body.textContent;
  }
  const text = one.appendChild(document.createElement("div"));
  text.className = "text";
  copy(new DOMParser().parseFromString(message.text, "text/html").body, text);
  one.append(...message.keyboard.map(row));
  return one;
}

function show(messages, home) {
  if (home) menu.replaceChildren(...messages.shift().keyboard.map(row));
  screen_.replaceChildren(...messages.map(card));
  if (!home) window.scrollTo(0, 0);
}

function say(text) {
  screen_.replaceChildren(card({ text: "", photo: "", keyboard: [] }));
  screen_.querySelector(".text").textContent = text;
}

async function ask(text, quietly = false) {
  if (busy) return;
  busy = true;
  const buttons = quietly ? [] : document.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch("/app/answer", {
      method: "POST",
      headers: { Authorization: `tma ${telegram?.initData ?? ""}`, "X-Tap": encodeURIComponent(text) },
    });
    if (answer.ok) {
      show((await answer.json()).messages, text === "");
      atHome = text === "";
    } else if (!quietly) say(answer.status === 401 ? (await answer.json()).detail : `${answer.status}`);
  } catch (error) {
    if (!quietly) say(String(error));
  } finally {
    busy = false;
    for (const button of buttons) button.disabled = false;
  }
}

telegram?.ready();
telegram?.expand();
telegram?.BackButton?.onClick(() => ask(""));
telegram?.BackButton?.show();
ask("");
setInterval(() => { if (atHome && !document.hidden) ask("", true); }, REFRESH);
