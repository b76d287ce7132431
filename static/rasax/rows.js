export const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
export const current = () => document.activeElement?.closest("[data-rows] tbody tr");
export const isSelected = (row) => row.querySelector("[name=selected]")?.checked ?? false;
