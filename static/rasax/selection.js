// Rows that are selected, and what is done to all of them.
import { onKey } from "./keys.js";
import { current, isSelected, rows } from "./rows.js";

let last; // the row that was selected last: a range begins there

const form = () => document.querySelector("form.bulk");
const everything = () => form()?.elements.all?.checked ?? false;

export function forgetSelection() {
  last = undefined;
  countSelected();
}

export function countSelected() {
  const sign = document.querySelector("[data-selected]");
  if (!sign) return;
  const number = rows().filter(isSelected).length;
  const page = form().querySelector("[data-select-page]");
  page.checked = number > 0 && number === rows().length;
  page.indeterminate = number > 0 && !page.checked;
  if (!page.checked) form().elements.all.checked = false;
  form().classList.toggle("whole-page", page.checked);
  sign.textContent = number;
}

function check(some, on) {
  const boxes = some.map((row) => row.querySelector("[name=selected]")).filter(Boolean);
  for (const box of boxes) box.checked = on;
  countSelected();
  return boxes.length > 0;
}

function select() {
  const row = current();
  if (!row) return false;
  last = row;
  return check([row], !isSelected(row));
}

function selectTo(row) {
  const all = rows();
  const from = Math.max(all.indexOf(last), 0);
  const to = all.indexOf(row);
  if (to < 0) return false;
  last = row;
  return check(all.slice(Math.min(from, to), Math.max(from, to) + 1), true);
}

function tag() {
  const row = current();
  if (row && !rows().some(isSelected)) check([row], true);
  const field = document.getElementById("bulk-tag");
  if (!field?.checkVisibility()) return false;
  field.focus();
  return true;
}

function clear() {
  check(rows(), false);
  last = undefined;
}

function change(action, value) {
  const values = { action, value, csrfmiddlewaretoken: form().elements.csrfmiddlewaretoken.value };
  if (everything()) values.all = "1";
  else values.selected = rows().filter(isSelected).map((row) => row.dataset.pk);
  const back = current();
  window.htmx.ajax("POST", form().getAttribute("action"), { values, target: "#jobs", swap: "beforeend", source: "#jobs" });
  clear();
  (back ?? rows()[0])?.querySelector(".row-link").focus({ preventScroll: true });
}

function take(button) {
  const field = document.getElementById(button.dataset.from);
  const value = field ? field.value.trim() : button.dataset.value;
  if (field && !value) return field.focus();
  button.closest("dialog")?.close();
  if (field) field.value = "";
  change(button.dataset.action, value);
}

async function askToDelete() {
  const dialog = document.getElementById("delete-for-good");
  const sign = dialog.querySelector("[data-how-many]");
  const number = everything() ? await exactly() : rows().filter(isSelected).length;
  sign.textContent = number === 1 ? sign.dataset.one : sign.dataset.many.replace("%s", number.toLocaleString());
  dialog.showModal();
}

async function exactly() {
  const response = await fetch(`${document.querySelector("[data-total]").dataset.address}&exact=1`);
  return (await response.json()).count;
}

function undo() {
  const button = [...document.querySelectorAll("#jobs form[action$='/undo/'] button")].at(-1);
  button?.click();
  return Boolean(button);
}

onKey("x", select);
onKey("Shift+X", () => selectTo(current()));
onKey("t", tag);
onKey("z", undo);

document.addEventListener("click", (event) => {
  const box = event.target.closest("[name=selected]");
  if (box) {
    const row = box.closest("tr");
    if (event.shiftKey && last) selectTo(row);
    last = row;
    countSelected();
  }
  const button = event.target.closest("button[data-action]");
  if (button) take(button);
  if (event.target.closest("[data-select-none]")) clear();
  if (event.target.closest("[data-delete]")) askToDelete();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-page]")) check(rows(), target.checked);
  if (target.name === "all" && target.checked) check(rows(), true);
  if (target.matches("select[data-action]")) {
    change(target.dataset.action, target.value);
    target.selectedIndex = 0;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "bulk-tag" || event.key !== "Enter") return;
  event.preventDefault(); // the form's own button is for pages without scripts
  document.querySelector("[data-action=tag]").click();
});
