// A model takes minutes to arrive, so its form says how far it is. fetch() does not tell; XMLHttpRequest does.
const form = document.getElementById("upload");
const progress = form.querySelector("progress");
const error = form.querySelector("[data-error]");
const button = form.querySelector("button[type=submit]");
const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });

function refuse(text) {
  progress.hidden = true;
  button.disabled = false;
  error.textContent = text;
  error.hidden = false;
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

form.addEventListener("submit", (event) => {
  const [file] = form.elements.archive.files;
  if (!file) return;
  event.preventDefault();
  error.hidden = true;
  if (file.size > Number(form.dataset.limit)) {
    refuse(form.dataset.tooLarge);
    return;
  }
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = loaded / total;
    progress.textContent = percent.format(loaded / total);
    if (loaded === total) progress.removeAttribute("value"); // now it is read and stored
  });
  request.addEventListener("load", () => {
    const { address, error: why } = read(request);
    if (address) location.assign(address);
    else refuse(why ?? form.dataset.failed);
  });
  request.addEventListener("error", () => refuse(form.dataset.failed));
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  progress.hidden = false;
  progress.value = 0;
  button.disabled = true;
  request.send(new FormData(form));
});
