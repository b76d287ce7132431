import { onKey } from "./keys.js";
import { fetchFragment, watch } from "./live.js";
import { colorTags } from "./tags.js";

const page = document.querySelector("[data-conversation]");
const transcript = () => document.getElementById("transcript");
const pane = document.querySelector(".transcript-pane");
const base = `/conversations/${page.dataset.conversation}/`;
const bubbles = () => [...transcript().querySelectorAll(".said")];

for (const box of document.querySelectorAll("[data-remember]")) {
  const kept = localStorage.getItem(box.dataset.remember);
  if (kept !== null) box.checked = kept === "1";
  box.addEventListener("change", () => localStorage.setItem(box.dataset.remember, box.checked ? "1" : "0"));
}

async function refetch() {
  await Promise.all([refetchTranscript(), refetchPanel()]);
}

async function refetchTranscript() {
  const list = transcript();
  if ("past" in list.dataset) return; // an older part is shown, where nothing new belongs
  const response = await fetchFragment(`${base}?after=${list.dataset.last}`);
  if (!response || response.status === 204) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body;
  if (response.headers.get("Transcript") === "replace") list.replaceChildren();
  const known = new Set([...list.children].map((each) => each.id).filter(Boolean));
  list.append(...[...fresh.children].filter((each) => !known.has(each.id)));
  const ids = [...list.querySelectorAll("[data-event]")].map((each) => Number(each.dataset.event));
  list.dataset.last = Math.max(Number(list.dataset.last), ...ids);
  tidyDays();
  window.htmx?.process(list);
}

// A part that is put in begins with its day, which may be on the page already.
function tidyDays() {
  let last;
  for (const day of transcript().querySelectorAll("[data-day]")) {
    if (day.dataset.day === last) day.remove();
    last = day.dataset.day;
  }
}

// Somebody may begin to write while the fragment is on its way.
function isPanelInUse() {
  const panel = document.getElementById("panel");
  return panel.contains(document.activeElement) || Boolean(panel.querySelector("textarea")?.value);
}

async function refetchPanel() {
  if (isPanelInUse()) return;
  const response = await fetchFragment(`${base}panel/`);
  if (!response) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("panel");
  if (isPanelInUse()) return;
  const panel = document.getElementById("panel");
  const { scrollTop } = panel;
  panel.replaceWith(fresh);
  colorTags(document);
  fresh.scrollTop = scrollTop;
  window.htmx?.process(fresh);
  showFlags();
}

// The panel knows which messages are flagged, whoever flagged them.
function showFlags() {
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

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "panel") return tidyDays();
  showFlags();
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
  return true;
}

function flag() {
  const bubble = document.activeElement?.closest(".said") ?? bubbles().findLast((each) => each.matches(".user"));
  bubble?.querySelector("[data-flag]")?.click();
  return Boolean(bubble);
}

function jump(event, link) {
  const target = document.getElementById(link.dataset.jump);
  if (!target) return;
  event.preventDefault();
  document.getElementById("show-panel").checked = false;
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
}

function noteOn(event, link) {
  event.preventDefault();
  document.getElementById("show-panel").checked = true;
  const form = document.querySelector(".note-form");
  form.elements.event.value = link.dataset.noteOn;
  form.querySelector(".note-on").hidden = false;
  form.elements.text.focus();
}

document.addEventListener("click", (event) => {
  const jumping = event.target.closest("[data-jump]");
  if (jumping) jump(event, jumping);
  const noting = event.target.closest("[data-note-on]");
  if (noting) noteOn(event, noting);
});

onKey("ArrowDown", () => step(1));
onKey("ArrowUp", () => step(-1));
onKey("f", flag);

document.querySelector(".asked-for")?.scrollIntoView({ block: "center" });
watch(`conversation:${page.dataset.conversation}`, refetch);
