import { onKey, say } from "./keys.js";
import { fetchFragment, watch } from "./live.js";
import { current, isSelected, rows } from "./rows.js";
import { countSelected, forgetSelection } from "./selection.js";
import { refreshSidebar } from "./sidebar.js";
import { colorTags } from "./tags.js";

const parse = (text) => new DOMParser().parseFromString(text, "text/html");
let waiting; // the results with conversations that the list does not show yet

async function refetch() {
  if (document.querySelector("[data-nothing-yet]")) return leaveFirstSteps();
  const address = location.href;
  const response = await fetchFragment(address);
  const text = await response?.text();
  if (!text || address !== location.href) return;
  const fresh = parse(text).body;
  fresh.querySelector("[hx-swap-oob]")?.remove();
  if (!document.querySelector("[data-rows]")) return replace(fresh);
  if (document.querySelector("[data-older]") || isSame(fresh)) return update(fresh);
  if (idle()) return replace(fresh);
  update(fresh);
  announce(fresh);
}

async function leaveFirstSteps() {
  const response = await fetchFragment(location.href, {});
  if (!response) return;
  const page = parse(await response.text());
  if (page.querySelector("[data-nothing-yet]")) return;
  document.getElementById("main").replaceWith(page.getElementById("main"));
  window.htmx?.process(document.getElementById("main"));
  refreshSidebar();
  rows().forEach(highlight);
  say(rows()[0]?.querySelector(".title").textContent ?? "");
}

function idle() {
  const results = document.getElementById("results");
  const table = document.querySelector(".table-scroll");
  const busy = results.matches(":hover") || results.contains(document.activeElement) || rows().some(isSelected);
  return !busy && table.scrollTop < 8 && window.scrollY < 8;
}

const ages = /<time[^>]*>[^<]*<\/time>/g;
const sameBut = (row) => row.outerHTML.replace(ages, "").replace(" fresh", "");

function isSame(fresh) {
  const others = [...fresh.querySelectorAll("[data-rows] tbody tr")];
  const all = rows();
  return others.length === all.length && all.every((row, number) => row.id === others[number].id);
}

function replace(fresh) {
  const before = new Map(rows().map((row) => [row.id, sameBut(row)]));
  const had = document.querySelector("[data-rows]");
  waiting = undefined;
  colorTags(fresh);
  document.getElementById("results").replaceChildren(...fresh.childNodes);
  window.htmx?.process(document.getElementById("results"));
  forgetSelection();
  showTotal();
  if (had) rows().filter((row) => before.get(row.id) !== sameBut(row)).forEach(highlight);
}

function highlight(row) {
  row.classList.add("fresh");
  row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
}

// Each row stays where it is; only what it says changes.
function update(fresh) {
  colorTags(fresh);
  for (const row of rows()) {
    const other = fresh.querySelector(`#${row.id}`);
    if (!other || row.isEqualNode(other)) continue;
    const focused = row.contains(document.activeElement) && document.activeElement.matches("a");
    const selected = isSelected(row);
    row.className = other.className;
    row.innerHTML = other.innerHTML;
    if (selected) row.querySelector("[name=selected]").checked = true;
    if (focused) row.querySelector(".row-link").focus({ preventScroll: true });
  }
}

function announce(fresh) {
  const known = new Set(rows().map((row) => row.id));
  const count = [...fresh.querySelectorAll("tbody tr")].filter((row) => !known.has(row.id)).length;
  const pill = document.querySelector("[data-pill]");
  const text = pill.querySelector("[data-pill-text]");
  pill.hidden = count === 0;
  if (!count) return;
  waiting = fresh;
  text.textContent = count === 1 ? text.dataset.one : text.dataset.many.replace("%s", count);
}

async function showTotal() {
  const sign = document.querySelector("[data-total]");
  const response = sign && await fetchFragment(sign.dataset.address);
  if (!response) return;
  const { total, every } = await response.json();
  sign.textContent = total;
  const choice = document.querySelector("[data-every]");
  if (choice) choice.textContent = every;
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.querySelector(".row-link").focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
  return true;
}

async function post(row, path, fields) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!row || !token) return;
  const body = new URLSearchParams({ ...fields, csrfmiddlewaretoken: token });
  await fetch(`/conversations/${row.dataset.pk}/${path}`, { method: "POST", body, headers: { "HX-Request": "true" } });
  await refetch();
}

const review = (status) => () => {
  const row = current();
  if (!row) return false;
  post(row, "review/", { status });
  if (status === "reviewed") step(1);
  return true;
};

onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("e", review("reviewed"));
onKey("s", review("saved_for_later"));
onKey("u", review("unread"));
onKey("f", () => { post(current(), "flag-last/", {}); return true; });

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  colorTags(document);
  if (detail.target.id !== "results") return;
  waiting = undefined;
  forgetSelection();
  refreshSidebar();
  showTotal();
});
document.addEventListener("click", async (event) => {
  if (event.target.closest("[data-pill]") && waiting) {
    replace(waiting);
    document.querySelector(".table-scroll").scrollTo({ top: 0 });
    document.querySelector(".row-link")?.focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy).textContent);
    copy.querySelector("span").textContent = copy.dataset.copied;
  }
});

refreshSidebar();
countSelected();
showTotal();
watch("conversations", refetch);
