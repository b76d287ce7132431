import { onKey } from "./keys.js";
import { fetchFragment, watch } from "./live.js";
import { colorTags } from "./tags.js";
import { showAt, followTo, closeAt } from "./at.js";
import { refetchTranscript, tidyDays, transcript } from "./transcript.js";
import { keepPresent, showHere } from "./presence.js";
import "./copy.js";

const page = document.querySelector("[data-conversation]");
const pane = document.querySelector(".transcript-pane");
const base = `/conversations/${page.dataset.conversation}/`;
const bubbles = () => [...transcript().querySelectorAll(".said")];

for (const box of document.querySelectorAll("[data-remember]")) {
  const kept = localStorage.getItem(box.dataset.remember);
  if (kept !== null) box.checked = kept === "1";
  box.addEventListener("change", () => localStorage.setItem(box.dataset.remember, box.checked ? "1" : "0"));
}

async function refetch() {
  await Promise.all([refetchTranscript(base), refetchPanel()]);
}

// Somebody may begin to write while the fragment is on its way.
function isPanelInUse() {
  const panel = document.getElementById("panel");
  return panel.contains(document.activeElement) || Boolean(panel.querySelector("textarea")?.value);
}

async function refetchPanel() {
  const response = await fetchFragment(`${base}panel/`);
  if (!response) return;
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = answer.getElementById("panel");
  showHere(answer.getElementById("here"));
  if (isPanelInUse()) return;
  const panel = document.getElementById("panel");
  const { scrollTop } = panel;
  panel.replaceWith(fresh);
  colorTags(document);
  fresh.scrollTop = scrollTop;
  window.htmx?.process(fresh);
  showMarks();
}

// The panel knows which messages are flagged and corrected, whoever did it.
function showMarks() {
  showCorrections();
  const flagged = new Set(document.getElementById("panel").dataset.flagged.trim().split(/\s+/));
  for (const bubble of bubbles()) {
    const on = flagged.has(bubble.dataset.event);
    bubble.classList.toggle("flagged", on);
    const button = bubble.querySelector("[data-flag]");
    if (!button) continue;
    button.setAttribute("aria-pressed", on);
    button.form.elements.flagged.value = on ? "0" : "1";
  }
}

function showCorrections() {
  const said = new Map();
  for (const each of document.querySelectorAll("#panel [data-correction]")) {
    said.set(each.dataset.correction, each.querySelector(".corrected"));
  }
  for (const bubble of bubbles()) {
    const word = said.get(bubble.dataset.event);
    bubble.querySelector("[data-corrected]")?.replaceChildren(...(word ? [word.cloneNode(true)] : []));
  }
}

async function openCorrecting(link) {
  const bubble = link.closest(".said");
  closeCorrecting();
  const response = await fetchFragment(link.href);
  if (!response) return;
  const form = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".correcting");
  closeCorrecting();
  bubble.append(form);
  window.htmx?.process(form);
  form.focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
}

function closeCorrecting() {
  const form = document.querySelector("#transcript .correcting");
  const bubble = form?.closest(".said");
  form?.remove();
  bubble?.focus({ preventScroll: true });
  return Boolean(form);
}

function showImage(link) {
  const frame = document.createElement("iframe");
  frame.src = link.href;
  frame.title = link.textContent;
  frame.className = "image";
  frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
  frame.referrerPolicy = "no-referrer";
  link.closest(".extra").replaceWith(frame);
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "panel") return tidyDays();
  showMarks();
  closeCorrecting();
  colorTags(document);
  // A field that was sent is left, so that the keys work again.
  if (document.activeElement?.matches("#tag, #note")) pane.focus({ preventScroll: true });
});

function step(by) {
  const all = bubbles();
  const at = all.indexOf(document.activeElement?.closest(".said"));
  const next = at < 0 ? all.at(-1) : all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
  followTo(next);
  return true;
}

const focused = () => document.activeElement?.closest(".said");
const lastOfUser = () => bubbles().findLast((each) => each.matches(".user"));

function press(selector, bubble) {
  const target = bubble?.querySelector(selector);
  target?.click();
  return Boolean(target);
}

function jump(event, link) {
  const target = document.getElementById(link.dataset.jump);
  if (!target) return;
  event.preventDefault();
  document.getElementById("show-panel").checked = false;
  target.scrollIntoView({ block: "center" });
  (target.matches(".said") ? target : target.querySelector("a")).focus({ preventScroll: true });
}

function noteOn(event, link) {
  event.preventDefault();
  document.getElementById("show-panel").checked = true;
  const form = document.querySelector(".note-form");
  form.elements.event.value = link.dataset.noteOn;
  form.querySelector(".note-on").hidden = false;
  form.elements.text.focus();
}

const ACTS = {
  "[data-correct]": openCorrecting,
  "[data-close-correcting]": closeCorrecting,
  "[data-at]": showAt,
  "[data-close-at]": closeAt,
  "[data-image]": showImage,
};

document.addEventListener("click", (event) => {
  const jumping = event.target.closest("[data-jump]");
  if (jumping) jump(event, jumping);
  const noting = event.target.closest("[data-note-on]");
  if (noting) noteOn(event, noting);
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link in another tab
  for (const [selector, act] of Object.entries(ACTS)) {
    const link = event.target.closest(selector);
    if (!link) continue;
    event.preventDefault();
    act(link);
  }
});

onKey("ArrowDown", () => step(1));
onKey("ArrowUp", () => step(-1));
onKey("f", () => press("[data-flag]", focused() ?? lastOfUser()));
onKey("i", () => press("[data-correct]", focused()?.matches(".user") ? focused() : lastOfUser()));
onKey("p", () => press("[data-at]", focused() ?? bubbles().at(-1)));
onKey("Escape", () => closeCorrecting() || closeAt());

document.querySelector(".asked-for")?.scrollIntoView({ block: "center" });
watch(`conversation:${page.dataset.conversation}`, refetch);
keepPresent();

// The list beside the conversation, where there is room for it.
const column = document.getElementById("list-column");
const wide = matchMedia("(min-width: 1200px)");

async function refetchColumn() {
  if (!wide.matches || column.contains(document.activeElement)) return;
  const response = await fetchFragment(column.dataset.column);
  if (!response) return;
  const empty = !column.firstChild;
  const { scrollTop } = column;
  column.innerHTML = await response.text();
  column.scrollTop = scrollTop;
  if (empty) column.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
}

wide.addEventListener("change", refetchColumn);
refetchColumn();
watch("conversations", refetchColumn);
