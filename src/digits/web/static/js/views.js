// @ts-check
/** Views of what networks answer: the settings of the chosen one, and arrow keys to the next picture. */

import { send } from "./http.js";

document.addEventListener("change", async (event) => {
  const select = /** @type {HTMLElement} */ (event.target);
  if (!(select instanceof HTMLSelectElement) || !select.dataset.views) return;
  const box = select.closest("form")?.querySelector("[data-view-fields]");
  if (box) box.innerHTML = await send("GET", select.dataset.views + encodeURIComponent(select.value), null, undefined, "text/html");
});

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || /** @type {HTMLElement} */ (event.target).closest("input, select, textarea")) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const link = rel && /** @type {HTMLAnchorElement | null} */ (document.querySelector(`#view-pages a[rel="${rel}"]`));
  if (link) link.click();
});
