// A link to a line of the text that it is about.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  const field = document.querySelector(link.getAttribute("href"));
  const lines = field.value.split("\n");
  const before = lines.slice(0, Number(link.dataset.line) - 1);
  const start = before.reduce((length, line) => length + line.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[before.length] ?? "").length);
});
document.querySelector("[data-line]")?.click();
