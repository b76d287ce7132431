// Views with their numbers, and filters: what is open, what is long, which view these filters are.
const OPEN = "list-groups";
const opened = () => JSON.parse(localStorage.getItem(OPEN) ?? "{}");

export function refreshSidebar() {
  const query = document.querySelector("#results .chips")?.dataset.query ?? "";
  for (const view of document.querySelectorAll("[data-views] a")) {
    if (view.dataset.query === query) view.setAttribute("aria-current", "true");
    else view.removeAttribute("aria-current");
  }
  restoreGroups();
}

function restoreGroups() {
  for (const [name, open] of Object.entries(opened())) {
    const group = document.querySelector(`[data-group="${CSS.escape(name)}"]`);
    if (group && !group.querySelector(":checked")) group.open = open;
  }
}

async function countViews() {
  const nav = document.querySelector("[data-views]");
  if (!nav?.querySelector("[data-view]")) return;
  const response = await fetch(nav.dataset.counts);
  if (!response.ok) return;
  for (const [pk, count] of Object.entries(await response.json())) {
    const sign = nav.querySelector(`[data-view="${pk}"] .count`);
    if (sign) sign.textContent = count;
  }
}

function narrow(field) {
  const words = field.value.toLowerCase();
  const menu = field.closest(".choices");
  menu.querySelector("[data-more]").open = words !== "";
  for (const choice of menu.querySelectorAll(".choice")) {
    choice.hidden = !choice.textContent.toLowerCase().includes(words);
  }
}

function hours() {
  const [from, to] = [...document.querySelectorAll("select[data-hour]")].map((each) => each.value);
  document.querySelector("#filters [name=hours]").value = from && to ? `${from}-${to}` : "";
}

function density(button, on) {
  document.documentElement.classList.toggle("dense", on);
  button.setAttribute("aria-pressed", on);
}

document.addEventListener("input", (event) => { if (event.target.matches("[data-narrow]")) narrow(event.target); });
// What narrows a menu is no filter, and one hour alone asks for nothing yet.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-narrow]")) event.stopPropagation();
  if (event.target.matches("select[data-hour]")) hours();
}, true);
document.addEventListener("toggle", ({ target }) => {
  if (target.dataset?.group) localStorage.setItem(OPEN, JSON.stringify({ ...opened(), [target.dataset.group]: target.open }));
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-density]");
  if (!button) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  localStorage.setItem("dense", on ? "1" : "0");
  density(button, on);
});
// A URL without the fields that say nothing.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});

const button = document.querySelector("[data-density]");
if (button) density(button, localStorage.getItem("dense") === "1");
countViews();
