// @ts-check
/** The classes of a dataset, asked for once they are needed: thousands of them would make every page heavy. */

import { json } from "./http.js";

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
