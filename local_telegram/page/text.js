// Renders text with entities as DOM nodes. Text only ever becomes text nodes: nothing a bot sends is read as markup.

import { word } from "./words.js";

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

/** Makes an element; `content` holds nodes and strings. */
export function make(tag, className = "", ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

/** Makes one of the page's own icons from the data of an SVG path. */
export function icon(path, className = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Builds the nodes of a text. Offsets are UTF-16 units, as JavaScript's own; entities are sorted and well nested. */
export function formatted(text, entities, onCommand) {
  const fragment = document.createDocumentFragment();
  fill(fragment, text, entities, 0, text.length, onCommand);
  return fragment;
}

function fill(parent, text, entities, begin, end, onCommand) {
  let at = begin;
  for (let index = 0; index < entities.length; index++) {
    const entity = entities[index];
    if (entity.offset < at || entity.offset >= end) continue;
    const stop = entity.offset + entity.length;
    const inside = entities.slice(index + 1).filter((one) => one.offset + one.length <= stop);
    parent.append(text.slice(at, entity.offset));
    const element = elementFor(entity, text.slice(entity.offset, stop), onCommand);
    fill(element, text, inside, entity.offset, stop, onCommand);
    parent.append(element);
    at = stop;
    // A quotation or a block of code is its own line: the break after it would show twice.
    if (["pre", "blockquote", "expandable_blockquote"].includes(entity.type) && text[at] === "\n") at += 1;
  }
  parent.append(text.slice(at, end));
}

function elementFor(entity, content, onCommand) {
  switch (entity.type) {
    case "text_link": return link(entity.url);
    case "url": return link(content);
    case "bot_command": return command(content, onCommand);
    case "spoiler": return spoiler();
    case "mention": case "hashtag": case "cashtag": case "email": return make("span", "link");
    case "expandable_blockquote": return quotation();
  }
  const element = make(TAGS[entity.type] ?? "span");
  if (entity.type === "pre" && entity.language) element.dataset.language = entity.language;
  if (entity.type === "pre" || entity.type === "code") {
    element.title = word("copy");
    element.addEventListener("click", () => document.dispatchEvent(new CustomEvent("copy-text", { detail: content })));
  }
  return element;
}

/** Returns the start parameter of a link to this chat's own bot, such as t.me/the_bot?start=word; empty for any other link. */
export function startWord(url) {
  const found = /^(?:https?:\/\/)?t\.me\/(\w+)\/?\?start=([\w-]{1,64})$/i.exec(url)
    ?? /^tg:\/\/resolve\/?\?domain=(\w+)&start=([\w-]{1,64})$/i.exec(url);
  return found?.[1].toLowerCase() === document.body.dataset.bot?.toLowerCase() ? found[2] : "";
}

/** Makes a link, if it leads to the web or to the bot; anything else stays text that looks like one. */
function link(url) {
  const word = startWord(url);
  if (word) return command(word, () => document.dispatchEvent(new CustomEvent("start-bot", { detail: word })));
  const whole = /^t\.me\//i.test(url) ? `https://${url}` : url;
  if (!/^https?:\/\//i.test(whole)) return make("span", "link");
  const anchor = make("a");
  anchor.href = whole;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

/** Makes an element that is clicked work by the keyboard too. */
function pressable(element, act) {
  element.tabIndex = 0;
  element.setAttribute("role", "button");
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  });
  return element;
}

function command(content, onCommand) {
  const button = make("button", "link");
  button.type = "button";
  button.addEventListener("click", () => onCommand(content));
  return button;
}

function spoiler() {
  const hidden = make("span", "spoiler");
  return pressable(hidden, () => hidden.classList.add("shown"));
}

function quotation() {
  const quote = make("blockquote", "long");
  return pressable(quote, () => quote.classList.toggle("open"));
}
