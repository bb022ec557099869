// @ts-check
/** A page of a dataset with many classes shows some of them, and `[data-class-search]` finds the others by name. */

import { classesAt, matching } from "./classes.js";

const MOST_SHOWN = 60;

/** Show what a search box finds in the list beside it. @param {HTMLInputElement} box */
async function search(box) {
  const list = /** @type {HTMLElement} */ (document.getElementById(box.getAttribute("aria-controls") ?? ""));
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("li:not([data-found])")]);
  const text = box.value.trim();
  for (const row of list.querySelectorAll("[data-found]")) row.remove();
  for (const row of rows) row.hidden = text !== "" && box.dataset.all === undefined;
  if (box.dataset.all !== undefined) {
    for (const row of rows) row.hidden = !(row.dataset.name ?? "").includes(text.toLowerCase());
    return;
  }
  if (!text) return;
  const { labels, counts } = await classesAt(box.dataset.classSearch ?? "");
  if (box.value.trim() !== text) return;
  const ids = matching(labels, text);
  for (const id of ids.slice(0, MOST_SHOWN)) list.append(row(box.dataset.href ?? "", id, labels[id], counts[id]));
  const rest = document.createElement("li");
  rest.dataset.found = "";
  rest.className = "muted small";
  rest.textContent = ids.length > MOST_SHOWN ? `and ${(ids.length - MOST_SHOWN).toLocaleString("en")} more` : ids.length ? "" : "No class has this in its name.";
  if (rest.textContent) list.append(rest);
}

/** @param {string} href @param {number} id @param {string} label @param {number} count */
function row(href, id, label, count) {
  const item = document.createElement("li");
  item.dataset.found = "";
  const link = document.createElement("a");
  link.href = href + String(id);
  const name = document.createElement("span");
  name.className = "text";
  name.textContent = label;
  const number = document.createElement("span");
  number.className = "num";
  number.textContent = count.toLocaleString("en");
  link.append(name, number);
  item.append(link);
  return item;
}

document.addEventListener("input", (event) => {
  const box = /** @type {Element} */ (event.target).closest("[data-class-search]");
  if (box instanceof HTMLInputElement) search(box);
});
