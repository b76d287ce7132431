// A classic script in the head, so that the page is never drawn in the wrong colours first.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const contrast = window.matchMedia("(prefers-contrast: more)");
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* it holds for this page */ } };
  let theme = stored() ?? "system";
  const draw = () => {
    root.dataset.bsTheme = ["light", "dark"].includes(theme) ? theme : dark.matches ? "dark" : "light";
    root.toggleAttribute("data-contrast", theme === "contrast" || (theme === "system" && contrast.matches));
    for (const button of document.querySelectorAll("button[data-theme]")) button.setAttribute("aria-pressed", button.dataset.theme === theme);
  };
  root.classList.add("js");
  draw();
  dark.addEventListener("change", draw);
  contrast.addEventListener("change", draw);
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme]");
    if (!button) return;
    theme = button.dataset.theme;
    store(theme);
    draw();
  });
})();
