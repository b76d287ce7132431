// Ctrl+K. The server knows the pages, views, tags and conversations; what can be done on this page is in its sheet of keys.
import { actions } from "./keys.js";

const PAUSE = 120; // milliseconds without a letter before the server is asked
const dialog = document.getElementById("palette");
const field = dialog.querySelector("[role=combobox]");
const list = dialog.querySelector("[role=listbox]");
const none = dialog.querySelector(".palette-none");
let groups = [];
let asked = 0;
let timer;

const options = () => [...list.querySelectorAll("[role=option]")];
const active = () => list.querySelector("[aria-selected=true]");

function open() {
  if (document.querySelector("dialog[open]:not(#palette)")) return;
  field.value = "";
  if (!dialog.open) dialog.showModal();
  groups = [];
  draw();
  ask();
}

async function ask() {
  const number = ++asked;
  const response = await fetch(`${dialog.dataset.address}?${new URLSearchParams({ q: field.value })}`).catch(() => null);
  if (!response?.ok || number !== asked) return;
  ({ groups } = await response.json());
  if (number === asked) draw();
}

function ours() {
  const words = field.value.toLowerCase().split(/\s+/);
  const items = actions().filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
  return items.length ? [{ label: dialog.dataset.actions, items }] : [];
}

function element(tag, fields, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

function draw() {
  const chosen = active()?.dataset.label;
  list.replaceChildren(...[...ours(), ...groups].map(drawGroup));
  const all = options();
  all.forEach((each, number) => { each.id = `palette-${number}`; });
  none.hidden = all.length > 0;
  choose(all.find((each) => each.dataset.label === chosen) ?? all[0]);
}

function drawGroup({ label, items }) {
  const head = element("div", { className: "palette-group", textContent: label, ariaHidden: "true" });
  return element("div", { role: "group", ariaLabel: label }, head, ...items.map(drawItem));
}

function drawItem(item) {
  const name = element("bdi", { className: "palette-name", textContent: item.label });
  const hint = element(item.key ? "kbd" : "span", { className: "quiet", textContent: item.key ?? item.hint });
  const option = element("div", { role: "option", className: "palette-option", ariaSelected: "false" }, name, hint);
  option.dataset.label = item.label;
  option.take = () => take(item);
  return option;
}

function take(item) {
  dialog.close(); // which gives the focus back to where it was: the action is about that
  if (item.address) location.assign(item.address);
  else item.run();
}

function choose(option) {
  active()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}

function move(by) {
  const all = options();
  choose(all[(all.indexOf(active()) + by + all.length) % all.length]);
}

const KEYS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Enter: () => active()?.take(),
};

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-open=palette]")) open(); });
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
  event.target.closest("[role=option]")?.take();
});
field.addEventListener("keydown", (event) => {
  if (!KEYS[event.key] || event.isComposing) return;
  event.preventDefault();
  KEYS[event.key]();
});
field.addEventListener("input", () => {
  draw();
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
});
