/* Before anything is drawn: the theme that was chosen, or the one of the machine. */
const theme = () => localStorage.getItem("theme") ?? "auto";
const dark = matchMedia("(prefers-color-scheme: dark)");

function showTheme() {
  const chosen = theme();
  document.documentElement.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
}

dark.addEventListener("change", showTheme);
showTheme();
