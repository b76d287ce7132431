// A transcript on a page: what came since is put to its end, or all of it is shown anew.
import { fetchFragment } from "./live.js";

export const transcript = () => document.getElementById("transcript");

// Whether something came.
export async function refetchTranscript(base) {
  const list = transcript();
  if ("past" in list.dataset) return false; // an older part is shown, where nothing new belongs
  const response = await fetchFragment(`${base}?after=${list.dataset.last}`);
  if (!response || response.status === 204) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body;
  if (response.headers.get("Transcript") === "replace") list.replaceChildren();
  const known = new Set([...list.children].map((each) => each.id).filter(Boolean));
  list.append(...[...fresh.children].filter((each) => !known.has(each.id)));
  const ids = [...list.querySelectorAll("[data-event]")].map((each) => Number(each.dataset.event));
  list.dataset.last = Math.max(Number(list.dataset.last), ...ids);
  tidyDays();
  window.htmx?.process(list);
  return true;
}

// A part that is put in begins with its day, which may be on the page already.
export function tidyDays() {
  let last;
  for (const day of transcript().querySelectorAll("[data-day]")) {
    if (day.dataset.day === last) day.remove();
    last = day.dataset.day;
  }
}
