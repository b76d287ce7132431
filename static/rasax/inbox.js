// The NLU inbox by keyboard: what is pressed is done in order, each after what was pressed before.
import { refreshBadge } from "./badge.js";
import {
  byId, chosen, count, everything, focusRow, mark, neighbour, refill, reload, remove, select, selectAll, selected, selectPage, selectTo, showWaiting, update,
} from "./inbox-rows.js";
import { onKey, say } from "./keys.js";
import { fetchFragment, watch } from "./live.js";
import { rows } from "./rows.js";

const panel = document.getElementById("message");
const ahead = new Map(); // the address of a text, and what shows it: fetched before it is asked for
const done = []; // what "undo" takes back: a job by its button, or else what the server noted last
let queue = Promise.resolve();

const later = (act) => () => {
  queue = queue.then(act).catch(() => tell(""));
  return true;
};
const addressOf = (row) => row.querySelector(".row-link").href;
const form = () => panel.querySelector("form.annotating");

function tell(said) {
  document.querySelector("[data-inbox-said]").textContent = said;
  if (said) say(said);
}

async function textOf(row) {
  const response = await fetchFragment(addressOf(row));
  return response ? response.text() : "";
}

function fetchAhead(row) {
  if (!row || ahead.has(addressOf(row))) return;
  ahead.set(addressOf(row), textOf(row));
}

async function choose(row, { focus = true } = {}) {
  mark(row);
  if (!row) return panel.replaceChildren();
  if (focus) focusRow(row);
  const address = addressOf(row);
  const text = await (ahead.get(address) ?? textOf(row));
  ahead.delete(address);
  if (chosen() !== row) return;
  show(text);
  fetchAhead(neighbour(1, row));
}

function show(text) {
  panel.innerHTML = text;
  showIfNew();
}

// A name that nobody knows yet makes an intent; better said before than after.
function showIfNew() {
  const field = panel.querySelector("[data-another]");
  if (!field) return;
  const known = [...panel.querySelectorAll("datalist#intents-of option")].map((each) => each.value);
  const isNew = field.value.trim() && !known.includes(field.value.trim());
  panel.querySelector("[data-is-new]").textContent = isNew ? field.dataset.new : "";
}

async function send(address, body) {
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  const response = await fetch(address, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response) return null;
  const text = await response.text();
  if (!response.headers.get("Content-Type").startsWith("application/json")) {
    show(text);
    tell(panel.querySelector("[role=alert]")?.textContent ?? "");
    return null;
  }
  const answer = JSON.parse(text);
  tell(answer.said);
  return answer;
}

async function leave({ done: pks }) {
  done.push("decision");
  ahead.clear();
  await choose(remove(pks));
  refreshBadge();
  await refill();
  if (!chosen() && rows().length) await choose(rows()[0]);
}

async function annotate() {
  if (selected().length) return decide("accept");
  const asked = form();
  if (!asked) return;
  const body = new FormData(asked);
  body.delete("selected");
  if (!body.get("intent") && !body.get("another")?.trim()) return asked.querySelector("[data-another]").focus();
  const answer = await send(asked.getAttribute("action"), body);
  if (answer) await leave({ done: [chosen()?.dataset.pk ?? panel.querySelector("[data-message]").dataset.message] });
}

// A job, which says beside the list how far it is.
async function decideOnAll(action) {
  const asked = document.querySelector("form.inbox-bulk");
  const values = { action, all: "1", csrfmiddlewaretoken: asked.elements.csrfmiddlewaretoken.value };
  await selectAll(false);
  await window.htmx.ajax("POST", asked.getAttribute("action"), { values, target: "#jobs", swap: "beforeend", source: "#jobs" });
  done.push("job");
}

async function lookAnew() {
  const pk = chosen()?.dataset.pk;
  ahead.clear();
  await reload();
  await choose(byId(pk) ?? rows()[0], { focus: false });
  refreshBadge();
}

async function decide(action) {
  if (everything()) return decideOnAll(action);
  const some = selected().length ? selected() : [chosen()].filter(Boolean);
  if (!some.length) return;
  const body = new FormData();
  body.set("action", action);
  for (const row of some) body.append("selected", row.dataset.pk);
  const answer = await send(document.querySelector("form.inbox-bulk").getAttribute("action"), body);
  if (answer?.done.length) await leave(answer);
}

async function undo() {
  const button = done.pop() === "job" && [...document.querySelectorAll("#jobs form[action$='/undo/'] button")].at(-1);
  if (button) return button.click();
  const asked = document.querySelector("form.undo");
  const answer = await send(asked?.action ?? "/inbox/undo/", new FormData());
  if (!answer) return;
  ahead.clear();
  await reload();
  await choose(byId(answer.done[0]) ?? rows()[0]);
  refreshBadge();
}

async function refetch() {
  if (document.querySelector("#jobs [data-job]:not([data-ended])")) return lookAnew();
  refreshBadge();
  if (await update()) await choose(rows()[0], { focus: false });
}

function guess(number) {
  const option = panel.querySelector(`[data-guess="${number}"]`);
  if (option) option.checked = true;
  const field = panel.querySelector("[data-another]");
  if (field) field.value = "";
  showIfNew();
}

onKey("j", later(() => choose(neighbour(1))));
onKey("k", later(() => choose(neighbour(-1))));
onKey("ArrowDown", later(() => choose(neighbour(1))));
onKey("ArrowUp", later(() => choose(neighbour(-1))));
onKey("Enter", (event) => {
  const at = event?.target;
  if (at?.closest("button, a:not(.row-link), summary")) return false;
  return rows().length > 0 && later(annotate)();
});
onKey("s", later(() => decide("skip")));
onKey("Delete", later(() => decide("delete")));
onKey("z", later(undo));
onKey("x", later(() => select(chosen())));
onKey("Shift+X", later(() => selectTo(chosen())));
onKey("a", later(() => selectAll()));
onKey("i", later(() => panel.querySelector("[data-another]")?.focus()));
onKey("m", later(() => panel.querySelector("entity-marker")?.focus()));
for (let number = 1; number <= 9; number += 1) onKey(String(number), later(() => guess(number)));

document.addEventListener("submit", (event) => {
  const asked = event.target;
  if (asked.matches("form.undo")) {
    event.preventDefault();
    return later(undo)();
  }
  if (!asked.matches("form.annotating, form.inbox-bulk")) return;
  event.preventDefault();
  document.activeElement?.blur();
  const { value: action } = event.submitter ?? {};
  later(asked.matches("form.annotating") && !action ? annotate : () => decide(action))();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-pill]") && showWaiting()) later(() => choose(rows()[0]))();
  const box = event.target.closest("[name=selected], [name=all], [data-select-page]");
  if (box?.name === "all") later(() => selectAll(box.checked))();
  else if (box?.name === "selected") count();
  else if (box) selectPage(box.checked);
  const link = event.target.closest(".row-link");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !panel.checkVisibility()) return;
  event.preventDefault();
  later(() => choose(link.closest("tr")))();
});
panel.addEventListener("input", showIfNew);
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const isList = detail.target.id === "results";
  later(() => (isList ? choose(rows()[0], { focus: false }) : lookAnew()))();
});

count();
later(() => choose(rows()[0]))();
watch("inbox", refetch);
watch("conversations", refetch);
