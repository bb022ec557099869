// @ts-check
/** Buttons with `data-copy` put their text into the clipboard. */

import { toast } from "./toast.js";

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast(text); // the clipboard is for https and this machine alone: to be copied by hand
  }
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (button instanceof HTMLElement) copy(button.dataset.copy ?? "");
});
