// How many texts of the inbox are new, in both menus of the areas. Asked for apart, so that no page waits for it.
const signs = [...document.querySelectorAll("[data-badge]")];

export async function refreshBadge() {
  const response = signs[0] && await fetch(signs[0].dataset.badge, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const { count, shown } = await response.json();
  for (const sign of signs) {
    sign.hidden = count === 0;
    sign.textContent = shown;
    sign.title = sign.dataset.label.replace("%s", shown);
  }
}

refreshBadge();
