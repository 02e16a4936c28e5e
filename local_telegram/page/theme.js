// Runs before anything is drawn: applies the chosen theme, or the system's.

const THEMES = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  const kept = localStorage.getItem("theme");
  return THEMES.includes(kept) ? kept : "auto";
}

function showTheme() {
  const chosen = theme();
  document.documentElement.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  const button = document.getElementById("theme");
  if (button) import("/page/words.js").then(({ word }) => { button.title = word(`theme_${chosen}`); });
}

document.addEventListener("DOMContentLoaded", () => {
  showTheme();
  document.getElementById("theme").addEventListener("click", () => {
    localStorage.setItem("theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    showTheme();
  });
});
window.addEventListener("storage", showTheme); // another tab chose
dark.addEventListener("change", showTheme);
showTheme();
