// Keys press what carries their name (data-key), or call what a page registered. They rest while somebody types.
const SECOND = 1000; // milliseconds for the second key of "g c"
const registered = new Map();
let begun = ""; // "g ", when the first of two keys was pressed
let timer;

export function onKey(key, action) {
  registered.set(key, action);
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

function typing(target) {
  const field = target.closest("input, textarea, select, [contenteditable]");
  return field && !["checkbox", "radio", "button", "submit"].includes(field.type);
}

function press(element) {
  if (element.matches("input, textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

function shown(key) {
  return [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((each) => each.checkVisibility());
}

// "x", "Shift+X", "?", "Enter", "g c"
function name(event) {
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && letter !== letter.toUpperCase();
  return begun + (shift ? `Shift+${event.key.toUpperCase()}` : letter);
}

function begin(key) {
  clearTimeout(timer);
  begun = key === "g" ? "g " : "";
  if (begun) timer = setTimeout(() => { begun = ""; }, SECOND);
}

function run(key, event) {
  if (registered.get(key)?.(event)) return true;
  const target = shown(key);
  if (target) press(target);
  return Boolean(target);
}

// What the sheet of keys says that one key does on this page, now.
export function actions() {
  const found = [];
  for (const line of document.querySelectorAll("#keys dl > div")) {
    const keys = line.querySelectorAll("kbd");
    const key = keys[0].textContent.length === 1 ? keys[0].textContent.toLowerCase() : keys[0].textContent;
    if (keys.length > 1 || !(registered.has(key) || shown(key))) continue;
    found.push({ key: keys[0].textContent, label: line.querySelector("dd").textContent, run: () => run(key) });
  }
  return found;
}

function closeMenu(target) {
  const menu = target.closest("details.menu[open]");
  if (menu) menu.open = false;
  menu?.querySelector("summary").focus();
  return Boolean(menu);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const [target] = event.composedPath(); // of a shadow root, too
  if (event.key === "Escape" && closeMenu(event.target)) return;
  if (event.key === "Escape" && typing(target)) return target.blur();
  if (typing(target) || document.querySelector("dialog[open]")) return;
  const key = name(event);
  begin(key);
  if (run(key, event)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
