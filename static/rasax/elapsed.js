// Says how long something has been going on, every second.
function show() {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(time.dataset.since)));
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const parts = [two(Math.floor(seconds / 60) % 60), two(seconds % 60)];
    time.textContent = (hours ? [hours, ...parts] : parts).join(":");
  }
}

show();
setInterval(show, 1000);
