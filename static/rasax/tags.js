// A tag that was made since the page was loaded has its colour in a newer version of the stylesheet.
export function colorTags(root) {
  const address = root.querySelector("[data-tag-colors]")?.dataset.tagColors;
  const link = document.getElementById("tag-colors");
  if (address && link.getAttribute("href") !== address) link.setAttribute("href", address);
}
