// Parts of a page that are fetched again when one of their topics changes.
import { fetchFragment, watch } from "./live.js";

for (const part of document.querySelectorAll("[data-topics]")) {
  const refetch = async () => {
    if (part.contains(document.activeElement)) return; // somebody is at it
    const response = await fetchFragment(part.dataset.part);
    if (response && !response.redirected) part.innerHTML = await response.text();
  };
  for (const topic of part.dataset.topics.split(" ")) watch(topic, refetch);
}
