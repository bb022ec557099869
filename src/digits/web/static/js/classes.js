// @ts-check
/**
 * The classes of a dataset, asked for once they are needed: thousands of them would make every page heavy.
 * A page with many shows some of them, and `[data-class-search]` finds the others by name.
 */

import { json } from "./http.js";

const MOST_SHOWN = 60;

/** @typedef {{labels: string[], counts: number[]}} Classes */

/** @type {Map<string, Promise<Classes>>} */
const asked = new Map();

/** Names and counts, by class id. @param {string} address an explore.json @returns {Promise<Classes>} */
export function classesAt(address) {
  let found = asked.get(address);
  if (!found) {
    found = json("GET", address);
    found.catch(() => asked.delete(address));
    asked.set(address, found);
  }
  return found;
}

/** The ids of classes whose name holds a text; those that begin with it first. @param {string[]} labels @param {string} text @returns {number[]} */
export function matching(labels, text) {
  const wanted = text.trim().toLowerCase();
  const names = labels.map((label) => label.toLowerCase());
  const ids = [...labels.keys()].filter((id) => names[id].includes(wanted));
  const rank = (/** @type {number} */ id) => (names[id] === wanted ? 0 : names[id].startsWith(wanted) ? 1 : 2);
  return ids.sort((a, b) => rank(a) - rank(b));
}

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
