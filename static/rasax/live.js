// The socket says that something changed; the page then fetches its own fragment. A slow poll does the same without it.
const GAP = 150; // milliseconds between two fetches, at least
const SHARE = 2; // and this many times what a fetch takes, so that no page keeps a slow server busy
const POLL = 30_000;
const watched = new Map();
let socket;
let delay = 500;

// `gap` and `share` may be less where nobody's traffic but the reader's own changes the topic.
export function watch(topic, refetch, { gap = GAP, share = SHARE } = {}) {
  watched.set(topic, throttled(refetch, gap, share));
  subscribe();
}

export async function fetchFragment(address, headers = { "HX-Request": "true" }) {
  const response = await fetch(address, { headers, credentials: "same-origin" });
  return response.ok ? response : null;
}

function throttled(refetch, gap, share) {
  let running = false;
  let again = false;
  return async function run() {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      const began = performance.now();
      await Promise.resolve(refetch()).catch(() => {});
      const pause = Math.max(gap, share * (performance.now() - began));
      await new Promise((done) => setTimeout(done, Math.min(pause, POLL)));
    }
    running = false;
  };
}

function subscribe() {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ subscribe: [...watched.keys()] }));
}

function show(on) {
  const sign = document.querySelector("[data-live]");
  if (!sign) return;
  sign.classList.toggle("on", on);
  sign.querySelector("[data-live-text]").textContent = on ? sign.dataset.on : sign.dataset.off;
}

function refetchAll() {
  for (const run of watched.values()) run();
}

function connect() {
  const { ticket } = document.querySelector("[data-ticket]")?.dataset ?? {}; // of who may hear of one topic only
  const query = ticket ? `?ticket=${encodeURIComponent(ticket)}` : "";
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/ws${query}`);
  socket.addEventListener("open", () => {
    delay = 500;
    show(true);
    subscribe();
    refetchAll(); // what changed while nobody listened
  });
  socket.addEventListener("message", (event) => {
    for (const topic of JSON.parse(event.data).changed ?? []) watched.get(topic)?.();
  });
  socket.addEventListener("close", () => {
    show(false);
    setTimeout(connect, delay * (1 + Math.random() / 2));
    delay = Math.min(delay * 2, 15_000);
  });
}

connect();
setInterval(() => { if (!document.hidden) refetchAll(); }, POLL);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refetchAll(); });
