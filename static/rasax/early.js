// A classic script in the head. Who types fast presses keys after one page was left and before the next one listens:
// they are held, handed on, and pressed again in their order once every module has run. What goes into a field never is.
(() => {
  const HANDED = "early-keys";
  const FRESH = 5_000; // milliseconds for which keys are still meant
  const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  let held = taken();
  let state = "loading";
  let asksForFile = false;
  let timer;

  function taken() {
    try {
      const { at, keys } = JSON.parse(sessionStorage.getItem(HANDED)) ?? {};
      sessionStorage.removeItem(HANDED);
      return Date.now() - at < FRESH ? keys : [];
    } catch { return []; }
  }

  function handOn() {
    clearTimeout(timer);
    if (!held.length) return;
    try { sessionStorage.setItem(HANDED, JSON.stringify({ at: Date.now(), keys: held })); } catch { /* they are lost */ }
    held = [];
  }

  function isOurs({ key, target, isTrusted, repeat, ctrlKey, metaKey, altKey }) {
    if (!isTrusted || repeat || ctrlKey || metaKey || altKey || target.closest(FIELDS)) return false;
    return key === "Enter" ? target === document.body : key.length === 1 && key !== " ";
  }

  // What the browser does with a real key has to be done for one that is pressed again.
  function press({ key, shiftKey }) {
    const target = document.activeElement;
    if (!target.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }))) return;
    const field = target.matches(FIELDS);
    if (key !== "Enter") return field && write(target, key);
    if (field) target.form?.requestSubmit();
    else target.click();
  }

  function write(field, letter) {
    field.setRangeText(letter, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true, data: letter }));
  }

  async function pressAgain() {
    if (document.activeElement.matches(FIELDS)) held = [];
    while (held.length && state === "loading") {
      press(held.shift());
      await new Promise((done) => setTimeout(done)); // what it leads to begins
    }
    if (state === "loading") state = "listening";
  }

  function leave() {
    if (asksForFile) return;
    state = "leaving";
    clearTimeout(timer);
    timer = setTimeout(stay, FRESH);
  }

  function stay() {
    held = [];
    state = "listening";
  }

  function send({ defaultPrevented, target, submitter }) {
    asksForFile = submitter?.matches("[data-file]") ?? false;
    if (!defaultPrevented && target.getAttribute("method") === "post") leave();
  }

  addEventListener("keydown", (event) => {
    if (state === "listening" || !isOurs(event)) return;
    held.push({ key: event.key, shiftKey: event.shiftKey });
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  addEventListener("DOMContentLoaded", () => setTimeout(pressAgain)); // after all that waits for the same
  addEventListener("submit", send);
  addEventListener("beforeunload", leave);
  addEventListener("pagehide", handOn);
  addEventListener("pageshow", (event) => { if (event.persisted) stay(); });
})();
