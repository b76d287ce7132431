// "Test the connection" asks with what is written, and leaves the form as it is: the token stays in it.
const form = document.getElementById("environment");
const tried = document.getElementById("tried");

form.addEventListener("submit", async (event) => {
  const { submitter } = event;
  if (!submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  submitter.disabled = true;
  const body = new FormData(form);
  const response = await fetch(submitter.formAction, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  submitter.disabled = false;
  if (response?.ok && !response.redirected) tried.innerHTML = await response.text();
});
