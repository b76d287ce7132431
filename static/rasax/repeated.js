// Texts that stand more than once: a number says in which intent the text stays.
import { onKey } from "./keys.js";

const rows = () => [...document.querySelectorAll(".repeated .row-of")];
const current = () => document.activeElement?.closest(".repeated .row-of");

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  return all.length > 0;
}

onKey("j", () => step(1));
onKey("k", () => step(-1));
for (let number = 1; number <= 9; number += 1) {
  onKey(String(number), () => {
    const button = (current() ?? rows()[0])?.querySelector(`[data-number="${number}"]`);
    button?.click();
    return Boolean(button);
  });
}
