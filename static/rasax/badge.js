// How many texts of the inbox are new, in the bar on top. Asked for apart, so that no page waits for it.
const sign = document.querySelector("[data-badge]");

export async function refreshBadge() {
  const response = sign && await fetch(sign.dataset.badge, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const { count, shown } = await response.json();
  sign.hidden = count === 0;
  sign.textContent = shown;
  sign.title = sign.dataset.label.replace("%s", shown);
}

refreshBadge();
