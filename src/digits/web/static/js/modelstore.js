// @ts-check
/** The model store: one click brings an entry in, its progress is told in its row. */

import { json, url } from "./http.js";
import { element } from "./numbers.js";

const list = /** @type {HTMLElement} */ (document.getElementById("store"));
const EVERY_MS = 700;

/** @param {HTMLButtonElement} button */
async function bring(button) {
  const row = /** @type {HTMLElement} */ (button.closest("tr"));
  const box = /** @type {HTMLElement} */ (row.querySelector("[data-progress]"));
  const bar = /** @type {HTMLProgressElement} */ (box.querySelector("progress"));
  const state = /** @type {HTMLElement} */ (box.querySelector("[data-state]"));
  button.disabled = true;
  box.hidden = false;
  state.textContent = "Waiting";
  try {
    const made = await json("POST", `${url("/store/push.json")}?id=${encodeURIComponent(button.dataset.get ?? "")}`);
    await followed(made.id, bar, state);
    const link = /** @type {HTMLAnchorElement} */ (element("a", "small", "Done"));
    link.href = url(`/jobs/${made.id}`);
    state.replaceChildren(link);
  } catch (error) {
    state.textContent = error instanceof Error ? error.message : String(error);
    state.classList.add("error-text");
    button.disabled = false;
  }
}

/** @param {string} id @param {HTMLProgressElement} bar @param {HTMLElement} state */
async function followed(id, bar, state) {
  for (;;) {
    const { job } = await json("GET", url(`/jobs/${id}/table_data.json`));
    bar.value = job.progress;
    state.textContent = `${job.status}, ${Math.round(job.progress)} %`;
    if (job.status === "Done") return;
    if (job.status === "Error" || job.status === "Aborted") throw new Error(`The import ended as ${job.status}: its page says why.`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

list.addEventListener("click", (event) => {
  const button = /** @type {HTMLButtonElement | null} */ (/** @type {Element} */ (event.target).closest("button[data-get]"));
  if (button) bring(button);
});
