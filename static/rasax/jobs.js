// A job on the page says how far it is. The socket is opened only when there is one to watch.
const seen = new Set();
const ASK_EVERY = 2000; // ms, where nothing is announced while the job holds the database (SQLite)

async function show(job) {
  const response = await fetch(job.dataset.address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (!response.ok || !job.isConnected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-job]");
  if (!fresh) return;
  const next = fresh.querySelector("[data-next]");
  if (next && job.closest("[data-follows]")) {
    window.location.replace(next.href); // the page is there for nothing but to wait for it
    return;
  }
  const progress = job.querySelector("progress");
  const now = fresh.querySelector("progress");
  if (progress && now) {
    // Replacing it would take the focus from Cancel, and have everything read aloud again.
    job.toggleAttribute("data-asked-for", fresh.hasAttribute("data-asked-for"));
    if (now.hasAttribute("max")) Object.assign(progress, { max: now.max, value: now.value });
    job.querySelector(".job-line").replaceWith(fresh.querySelector(".job-line"));
    return;
  }
  job.replaceWith(fresh);
  window.htmx?.process(fresh);
}

async function look() {
  for (const job of document.querySelectorAll("[data-job]:not([data-ended])")) {
    const id = job.dataset.job;
    if (seen.has(id)) continue;
    seen.add(id);
    const { watch } = await import("./live.js");
    const refetch = () => {
      const current = document.querySelector(`[data-job="${id}"]:not([data-ended])`);
      return current ? show(current) : undefined;
    };
    watch(`job:${id}`, refetch);
    setInterval(() => document.querySelector(`[data-job="${id}"][data-asked-for]`) && refetch(), ASK_EVERY);
    refetch(); // it may have ended while the socket was on its way
  }
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".job")?.remove();
});
document.addEventListener("htmx:afterSettle", look);
look();
