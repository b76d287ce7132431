import { watch } from "./live.js";
import { refetchTranscript } from "./transcript.js";
import { sayByForms, wasHeard } from "./saying.js";

const page = document.querySelector("[data-topic]");

sayByForms();
watch(page.dataset.topic, async () => {
  if (await refetchTranscript(page.dataset.base)) wasHeard();
}, { gap: 50, share: 1 });
