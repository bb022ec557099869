// @ts-check
/** The button that has every record of a dataset read: how far it is, and what is no longer what was written. */

import { json } from "./http.js";
import { commas, counted, element } from "./numbers.js";

const SHOWN = 20;

/** @param {HTMLButtonElement} button */
async function verify(button) {
  const said = /** @type {HTMLElement} */ (document.getElementById("verify-said"));
  const again = String(Date.now());
  button.disabled = true;
  said.textContent = "Reading …";
  try {
    for (;;) {
      const found = await json("POST", button.dataset.verify ?? "", { again, wait: "1" });
      if (found.state !== "running") {
        show(found, said);
        break;
      }
      said.textContent = `${commas(found.done ?? 0)} of ${counted(Number(button.dataset.total), "record")} read …`;
    }
  } catch (error) {
    said.textContent = error instanceof Error ? error.message : String(error);
  }
  button.disabled = false;
}

/** @param {any} found @param {HTMLElement} said */
function show(found, said) {
  const { records, damaged, damaged_count: count, index_whole: whole } = found;
  const box = /** @type {HTMLElement} */ (document.getElementById("verify-damage"));
  box.hidden = whole && !count;
  if (box.hidden) {
    said.textContent = `All ${counted(records, "record")} are as they were written.`;
    return;
  }
  said.textContent = `${commas(count)} of ${counted(records, "record")} are not.`;
  const cells = (/** @type {any} */ each) => [element("td", "", each.db), element("td", "mono", each.key), element("td", "mono", each.path), element("td", "", each.reason)];
  const heads = ["DB", "Key", "Picture", "What is wrong"].map((text) => element("th", "", text));
  const rows = damaged.slice(0, SHOWN).map((/** @type {any} */ each) => element("tr", "", ...cells(each)));
  const words = "Make the dataset again, or a new one of it without these records.";
  box.replaceChildren(element("p", "message bad", element("b", "", "Not what was written."), " ", whole ? words : `The index is not the one that the content hash was made of. ${words}`));
  if (!count) return;
  const table = element("table", "table", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows));
  box.append(element("div", "table-box", table));
  if (count > SHOWN) box.append(element("p", "panel-foot", `And ${commas(count - SHOWN)} more; digits dataset verify lists all.`));
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-verify]");
  if (button instanceof HTMLButtonElement) verify(button);
});
