// The examples of one intent: keys, selection, and editing in place.
import { onKey } from "./keys.js";
import { fetchFragment } from "./live.js";

const list = document.querySelector(".examples");
const rows = () => [...(list?.querySelectorAll(".row-of") ?? [])];
const current = () => document.activeElement?.closest(".examples .row-of");
const box = (row) => row.querySelector("[name=selected]");
const kept = new Map(); // what a row shows when it is not edited
let last; // the row that was selected last: a range begins there

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.querySelector(".row-link")?.focus();
  return Boolean(next);
}

function select() {
  const row = current();
  if (!row || !box(row)) return false;
  box(row).checked = !box(row).checked;
  last = row;
  return true;
}

function selectTo() {
  const [from, to] = [rows().indexOf(last), rows().indexOf(current())];
  if (to < 0) return false;
  for (const row of rows().slice(Math.min(Math.max(from, 0), to), Math.max(from, to) + 1)) if (box(row)) box(row).checked = true;
  last = current();
  return true;
}

async function edit(row) {
  const response = await fetchFragment(row.querySelector("[data-edit]").href);
  if (!response) return;
  close(document.querySelector(".examples .example-form"));
  kept.set(row, [...row.childNodes]);
  row.replaceChildren(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
  row.querySelector("entity-marker").focus();
}

function close(form) {
  const row = form?.closest(".row-of");
  if (!kept.has(row)) return false;
  row.replaceChildren(...kept.get(row));
  row.querySelector(".row-link").focus();
  return true;
}

list?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-edit], [data-close-example]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.matches("[data-edit]")) edit(link.closest(".row-of"));
  else close(link.closest(".example-form"));
});
list?.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && close(event.target.closest(".example-form"))) event.stopPropagation();
});
document.getElementById("adding")?.addEventListener("toggle", ({ target }) => { if (target.open) target.querySelector("[data-source]").focus(); });

onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("x", select);
onKey("Shift+X", selectTo);
onKey("e", () => { const row = current(); if (row) edit(row); return Boolean(row); });
