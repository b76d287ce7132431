import { onKey } from "./keys.js";
import { fetchFragment, watch } from "./live.js";
import { showAt, followTo, closeAt } from "./at.js";
import { refetchTranscript, transcript } from "./transcript.js";
import { sayByForms, wasHeard } from "./saying.js";
import "./copy.js";

const page = document.querySelector("[data-topic]");
const { base } = page.dataset;
const learn = document.getElementById("learn");
const bubbles = () => [...transcript().querySelectorAll(".said")];

for (const box of document.querySelectorAll("[data-remember]")) {
  const kept = localStorage.getItem(box.dataset.remember);
  if (kept !== null) box.checked = kept === "1";
  box.addEventListener("change", () => localStorage.setItem(box.dataset.remember, box.checked ? "1" : "0"));
}

let later;

// What the bot said first; what it means after that, and once for all events of a turn.
async function refetch() {
  if (!(await refetchTranscript(base))) return;
  wasHeard();
  clearTimeout(later);
  later = setTimeout(refetchRail, 60);
}

function refetchRail() {
  fill(document.getElementById("end"), `${base}rail/`);
  refetchLearning();
}

async function fill(part, address, isBusy = () => false) {
  const response = await fetchFragment(address);
  if (!response || response.status === 204) return;
  const text = await response.text();
  if (!isBusy()) part.innerHTML = text;
}

// Somebody may be writing in it, or begin to while the fragment is on its way; then it waits for what they send.
const isWritten = () => Boolean(learn.querySelector("input[type=text]:focus"));

async function refetchLearning() {
  if (learn.dataset.learns && !isWritten()) await fill(learn, `${base}learn/`, isWritten);
}

function showMode(mode) {
  for (const button of document.querySelectorAll(".modes button")) button.setAttribute("aria-pressed", button.value === mode);
}

async function correct() {
  learn.dataset.learns = "1";
  await fill(learn, `${base}learn/`);
  document.getElementById("show-panel").checked = true;
  document.getElementById("another-intent")?.select();
}

function step(by) {
  const all = bubbles();
  const at = all.indexOf(document.activeElement?.closest(".said"));
  const next = at < 0 ? all.at(-1) : all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
  followTo(next);
  return true;
}

document.addEventListener("click", (event) => {
  const jump = event.target.closest("[data-jump]");
  const target = jump && document.getElementById(jump.dataset.jump);
  if (target) {
    event.preventDefault();
    document.getElementById("show-panel").checked = false;
    target.scrollIntoView({ block: "center" });
  }
  const link = event.target.closest("[data-at]");
  if (event.target.closest("[data-close-at]")) closeAt();
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showAt(link);
});

onKey("ArrowDown", () => step(1));
onKey("ArrowUp", () => step(-1));
onKey("i", () => { correct(); return true; });
onKey("p", () => { const link = (document.activeElement?.closest(".said") ?? bubbles().at(-1))?.querySelector("[data-at]"); link?.click(); return Boolean(link); });
onKey("Escape", () => closeAt());

sayByForms(`${base}notice/`, async (form) => {
  if (!form.closest("#learn")) return;
  document.activeElement?.blur();
  if (form.matches(".learn-intent")) showMode("learn");
  if (form.matches(".learn-intent")) await fill(learn, `${base}learn/`); // a confirmation brings no event
});
watch(page.dataset.topic, refetch, { gap: 20, share: 0.5 });
if (Number(transcript().dataset.last)) fill(document.getElementById("end"), `${base}rail/`);
refetchLearning();
