// The page looks again every few seconds, and the rate is what was stored between two looks.
const EVERY = 5_000;
const WINDOW = 120; // seconds
const health = document.getElementById("health");
const samples = new Map();
const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });

function measure() {
  for (const row of health.querySelectorAll("[data-service]")) {
    const { service, stored, at } = row.dataset;
    const now = { stored: Number(stored), at: Number(at) };
    const known = (samples.get(service) ?? []).filter((one) => now.at - one.at < WINDOW && one.stored <= now.stored);
    if (known.at(-1)?.at !== now.at) known.push(now);
    samples.set(service, known);
    const [first] = known;
    if (now.at > first.at) row.querySelector("[data-rate]").textContent = format.format((now.stored - first.stored) / (now.at - first.at));
  }
}

async function look() {
  if (document.hidden || health.contains(document.activeElement)) return;
  const response = await fetch(health.dataset.poll, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  health.innerHTML = await response.text();
  measure();
}

measure();
setInterval(look, EVERY);
