// Overlays: short notes, alerts, a large picture.

import { make } from "./text.js";
import { word } from "./words.js";

const byId = (id) => document.getElementById(id);
const alert = byId("alert");
const viewer = byId("viewer");

export function toast(text) {
  const note = make("div", "toast", text);
  byId("toasts").replaceChildren(note);
  setTimeout(() => note.remove(), Math.min(7000, 2500 + text.length * 40));
}

/** `content` holds nodes and strings. */
export function showAlert(...content) {
  alert.querySelector("p").replaceChildren(...content);
  if (!alert.open) alert.showModal();
}

export function closeAlert() {
  alert.close();
}

export function showPhoto(url, words, caption) {
  const image = viewer.querySelector("img");
  image.src = url;
  image.alt = words;
  viewer.querySelector("p").textContent = caption;
  viewer.showModal();
}

viewer.addEventListener("click", () => viewer.close());
document.addEventListener("copy-text", ({ detail }) => {
  navigator.clipboard?.writeText(detail).then(() => toast(word("copied")), () => toast(word("copy_refused")));
});
