// The state at one event, beside the transcript. While it is open it follows the message that has the focus.
import { fetchFragment } from "./live.js";

const pane = document.getElementById("at");
let opener;
let wanted;
let timer;

export async function showAt(link) {
  opener = link;
  wanted = link.href;
  const response = await fetchFragment(link.href);
  if (!response || wanted !== link.href) return;
  pane.innerHTML = await response.text();
  const opens = pane.hidden;
  pane.hidden = false;
  pane.scrollTop = 0;
  document.getElementById("show-panel").checked = true;
  mark(link);
  if (opens) pane.focus({ preventScroll: true });
}

export function followTo(bubble) {
  const link = bubble?.querySelector("[data-at]");
  clearTimeout(timer);
  if (link && !pane.hidden) timer = setTimeout(showAt, 200, link);
}

export function closeAt() {
  if (pane.hidden) return false;
  wanted = undefined;
  clearTimeout(timer);
  pane.hidden = true;
  document.getElementById("show-panel").checked = false;
  mark();
  (opener.closest(".said") ?? opener).focus({ preventScroll: true });
  return true;
}

function mark(link) {
  document.querySelector(".looked-at")?.classList.remove("looked-at");
  link?.closest("[data-event]").classList.add("looked-at");
}
