// Forms that say something to the bot. What comes of it arrives later, with the events; until then it is shown as sent.
import { fetchFragment } from "./live.js";
import { transcript } from "./transcript.js";

const PATIENCE = 10_300; // milliseconds until the server can tell that nothing came
const notice = document.getElementById("notice");
let timer;

function showPending(text) {
  const item = document.createElement("li");
  item.className = "said user pending";
  const bubble = document.createElement("p");
  bubble.className = "bubble";
  bubble.dir = "auto";
  bubble.textContent = text;
  item.append(bubble);
  transcript().append(item);
}

const dropPending = () => { for (const each of document.querySelectorAll(".pending")) each.remove(); };

// Something came of it.
export function wasHeard() {
  clearTimeout(timer);
  dropPending();
  notice.replaceChildren();
}

// `patient` is the address that tells what to check where nothing comes.
export function sayByForms(patient, after) {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-says]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const field = form.matches("#composer") ? form.elements.text : undefined;
    const words = field?.value.trim() ?? (body.has("text") ? form.textContent.trim() : "");
    if (field && !words) return;
    if (words) showPending(words);
    if (field) field.value = "";
    clearTimeout(timer);
    if (patient) timer = setTimeout(() => look(patient), PATIENCE);
    // A field may be called "action", which then stands for the form's own.
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    if (response?.ok) return after?.(form);
    clearTimeout(timer);
    dropPending();
    notice.innerHTML = response ? await response.text() : "";
    if (field && !field.value) field.value = words;
  });
}

async function look(address) {
  const response = await fetchFragment(address);
  if (response) notice.innerHTML = await response.text();
}
