// The rows of the inbox: which one is chosen, which are selected, and what is fetched to fill the list up again.
import { fetchFragment } from "./live.js";
import { isSelected, rows } from "./rows.js";

const FEW = 12; // rows; then more are fetched
const page = document.querySelector("[data-newest]");
const parse = (text) => new DOMParser().parseFromString(text, "text/html").body;
let last; // the row that was selected last: a range begins there
let waiting; // the results with texts that the list does not show yet

export const chosen = () => document.querySelector("[data-rows] tr[aria-current]");
export const selected = () => rows().filter(isSelected);
export const byId = (pk) => document.getElementById(`m${pk}`);

export function mark(row) {
  chosen()?.removeAttribute("aria-current");
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
}

export function focusRow(row) {
  row?.querySelector(".row-link").focus({ preventScroll: true });
}

export function neighbour(by, row = chosen()) {
  const all = rows();
  const at = all.indexOf(row);
  return at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)];
}

// What comes after these rows, which go.
export function remove(pks) {
  const gone = new Set(pks.map(String));
  const all = rows();
  const at = all.indexOf(chosen());
  const next = all.slice(Math.max(at, 0)).find((row) => !gone.has(row.dataset.pk))
    ?? all.slice(0, Math.max(at, 0)).findLast((row) => !gone.has(row.dataset.pk));
  for (const row of all) if (gone.has(row.dataset.pk)) row.remove();
  count();
  return next;
}

const every = () => document.querySelector(".inbox-bulk [name=all]");
export const everything = () => every()?.checked ?? false;

export function count() {
  const sign = document.querySelector("[data-number]");
  if (!sign) return;
  const number = selected().length;
  const page = document.querySelector("[data-select-page]");
  page.checked = number > 0 && number === rows().length;
  page.indeterminate = number > 0 && !page.checked;
  if (!page.checked) every().checked = false;
  const words = document.querySelector("[data-every]");
  sign.textContent = everything() ? words.dataset.shown ?? sign.dataset.all : number;
}

function check(some, on) {
  for (const row of some) {
    const box = row.querySelector("[name=selected]");
    if (box) box.checked = on;
  }
  count();
}

export function select(row) {
  if (!row) return;
  last = row;
  check([row], !isSelected(row));
}

export const selectPage = (on) => check(rows(), on);

export async function selectAll(on = !everything()) {
  if (!every()) return;
  every().checked = on;
  check(rows(), on);
  await tellHowMany();
}

// How many match is asked for only where somebody means them all.
async function tellHowMany() {
  const words = document.querySelector("[data-every]");
  const response = words.dataset.shown ? null : await fetchFragment(words.dataset.address);
  if (!response) return;
  const answer = await response.json();
  words.textContent = answer.every;
  words.dataset.shown = answer.shown;
  count();
}

export function selectTo(row) {
  const all = rows();
  const from = Math.max(all.indexOf(last), 0);
  const to = all.indexOf(row);
  if (to < 0) return;
  last = row;
  check(all.slice(Math.min(from, to), Math.max(from, to) + 1), true);
}

export async function refill() {
  const link = document.querySelector("[data-next-page]");
  if (rows().length >= FEW || !link) return;
  await update();
}

// Each row stays where it is; what is further down than the page was comes below, what is new waits for the pill.
export async function update() {
  const address = location.href;
  const response = await fetchFragment(address);
  const text = await response?.text();
  if (!text || address !== location.href) return false;
  const fresh = parse(text);
  if (!document.querySelector("[data-rows]") || !rows().length) return replaceBy(fresh);
  if (document.querySelector("[data-further]")) return false;
  const newest = Number(page.dataset.newest);
  const others = [...fresh.querySelectorAll("[data-rows] tbody tr")].filter((row) => !document.getElementById(row.id));
  const arrived = others.filter((row) => Number(row.dataset.pk) > newest);
  if (arrived.length) waiting = fresh;
  tell(arrived.length);
  document.querySelector("[data-rows] tbody").append(...others.filter((row) => !arrived.includes(row)));
  return false;
}

function tell(number) {
  const pill = document.querySelector("[data-pill]");
  const words = pill.querySelector("[data-pill-text]");
  pill.hidden = number === 0;
  words.textContent = number === 1 ? words.dataset.one : words.dataset.many.replace("%s", number);
}

function replaceBy(fresh) {
  const pks = [...fresh.querySelectorAll("[data-rows] tbody tr")].map((row) => Number(row.dataset.pk));
  page.dataset.newest = Math.max(Number(page.dataset.newest), ...pks);
  document.getElementById("results").replaceChildren(...fresh.childNodes);
  waiting = undefined;
  count();
  return true;
}

export const showWaiting = () => Boolean(waiting) && replaceBy(waiting);

// What was taken back stands where its order has it.
export async function reload() {
  const response = await fetchFragment(location.href);
  if (response) replaceBy(parse(await response.text()));
}
