// Tells that this page is open, and shows who else has it open.
const EVERY = 15_000;

const post = (here, fields) => new URLSearchParams({ csrfmiddlewaretoken: here.dataset.token, ...fields });

function arrive() {
  const here = document.getElementById("here");
  if (!document.hidden) fetch(here.dataset.presence, { method: "POST", body: post(here) }).catch(() => {});
}

function leave() {
  const here = document.getElementById("here");
  navigator.sendBeacon(here.dataset.presence, post(here, { leaving: "1" }));
}

export function showHere(fresh) {
  const here = document.getElementById("here");
  if (fresh && here.textContent !== fresh.textContent) here.replaceChildren(...fresh.childNodes);
}

export function keepPresent() {
  arrive();
  setInterval(arrive, EVERY);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : arrive()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) arrive(); });
}
