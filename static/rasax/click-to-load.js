// A picture from elsewhere is fetched when somebody asks for it, in a frame whose policy allows that server alone.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-image]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const frame = Object.assign(document.createElement("iframe"), { src: link.href, title: link.textContent, className: "image", referrerPolicy: "no-referrer" });
  frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
  link.closest(".extra").replaceWith(frame);
});
