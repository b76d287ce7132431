// A classic script in the head, so that the page is never drawn in the wrong colours first.
(() => {
  const root = document.documentElement;
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("theme");
  const draw = () => { root.dataset.bsTheme = chosen() || (preferred.matches ? "dark" : "light"); };
  root.classList.add("js");
  draw();
  preferred.addEventListener("change", draw);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    localStorage.setItem("theme", root.dataset.bsTheme === "dark" ? "light" : "dark");
    draw();
  });
})();
