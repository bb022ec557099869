// @ts-check
/**
 * Wrong labels are corrected, and pictures left out, where they are seen: in Explore, in health, among mistakes. The changes gather in
 * this browser, by dataset, until a new dataset is made with them; the old one stays as it is.
 *
 * A page has `#relabel` (templates/datasets/_relabel.html) and pictures with `data-db`, `data-key` and `data-label`.
 */

import { ask } from "./ask.js";
import { classesAt, matching } from "./classes.js";
import { json, url } from "./http.js";
import { toastLater } from "./toast.js";

/** @typedef {{db: string, key: string, old: string, label: string | null}} Change */

const bar = /** @type {HTMLElement} */ (document.getElementById("relabel"));
const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("relabel-choose"));
const { dataset: datasetId = "", name = "", classes = "" } = bar.dataset;
const KEPT = `digits.changes.${datasetId}`;
const MOST_CHOICES = 12;
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(`relabel-${id}`));
const input = /** @type {HTMLInputElement} */ (part("class"));
const opener = /** @type {HTMLButtonElement} */ (part("open"));
/** @type {HTMLElement | null} */
let chosen = null;
/** @type {HTMLElement | null} */
let under = null;

/** @returns {Record<string, Change>} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Record<string, Change>} changes */
function keep(changes) {
  if (Object.keys(changes).length) localStorage.setItem(KEPT, JSON.stringify(changes));
  else localStorage.removeItem(KEPT);
  mark();
}

const idOf = (/** @type {HTMLElement} */ cell) => `${cell.dataset.db}/${cell.dataset.key}`;

/** Give a picture another class, or leave it out (null); its own class takes the change back. @param {HTMLElement} cell @param {string | null} label */
export function change(cell, label) {
  const { db = "", key = "", label: old = "" } = cell.dataset;
  const changes = kept();
  if (label === old) delete changes[idOf(cell)];
  else changes[idOf(cell)] = { db, key, old, label };
  keep(changes);
}

/** Leave a picture out, or take it back in. @param {HTMLElement} cell */
function toggle(cell) {
  const before = kept()[idOf(cell)];
  change(cell, before && before.label === null ? (cell.dataset.label ?? "") : null);
}

/** Show at each picture what will become of it, and in the bar how many change. */
function mark() {
  const changes = kept();
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".cell[data-key]"))) {
    const found = changes[idOf(cell)];
    const words = found ? (found.label === null ? "left out" : `→ ${found.label}`) : "";
    if ((cell.dataset.change ?? "") === words) continue;
    cell.classList.toggle("changed", Boolean(found));
    cell.classList.toggle("left-out", found?.label === null);
    if (words) cell.dataset.change = words;
    else delete cell.dataset.change;
  }
  const all = Object.values(changes);
  const out = all.filter((each) => each.label === null).length;
  const counted = (/** @type {number} */ n, /** @type {string} */ word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
  const parts = [all.length - out && `${counted(all.length - out, "label")} changed`, out && `${counted(out, "picture")} left out`];
  part("count").textContent = parts.filter(Boolean).join(", ");
  bar.hidden = all.length === 0;
}

/** Ask for the class of a picture. @param {HTMLElement} cell */
async function choose(cell) {
  chosen = cell;
  part("title").textContent = `What is this instead of ${cell.dataset.label}?`;
  /** @type {HTMLImageElement} */ (part("picture")).src = cell.querySelector("img")?.src ?? "";
  part("out").textContent = kept()[idOf(cell)]?.label === null ? "Keep it" : "Leave it out";
  input.value = "";
  dialog.showModal();
  input.focus();
  await offer();
}

/** List the classes that fit what is typed. */
async function offer() {
  const { labels } = await classesAt(classes);
  const ids = matching(labels, input.value).filter((id) => labels[id] !== chosen?.dataset.label);
  const suggested = Number(chosen?.dataset.suggestedId ?? -1);
  if (!input.value && suggested >= 0) ids.sort((a, b) => Number(b === suggested) - Number(a === suggested));
  part("choices").replaceChildren(
    ...ids.slice(0, MOST_CHOICES).map((id, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = labels[id];
      button.className = place === 0 && input.value ? "primary" : "";
      button.addEventListener("click", () => take(labels[id]));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
  part("more").textContent = ids.length > MOST_CHOICES ? `${(ids.length - MOST_CHOICES).toLocaleString("en")} more: type a part of the name.` : "";
}

/** @param {string} label */
function take(label) {
  if (chosen) change(chosen, label);
  dialog.close();
}

input.addEventListener("input", offer);
input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  /** @type {HTMLElement | null} */ (part("choices").querySelector("button"))?.click();
});
part("out").addEventListener("click", () => {
  if (chosen) toggle(chosen);
  dialog.close();
});
part("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => chosen?.focus({ preventScroll: true }));

part("discard").addEventListener("click", () => {
  ask({ title: "Discard the changes?", text: `${part("count").textContent}.`, yes: "Discard", danger: true, act: async () => keep({}) });
});

part("make").addEventListener("click", () => {
  const rows = Object.values(kept()).map(({ db, key, label }) => ({ db, key, label }));
  ask({
    title: "Make a new dataset",
    text: `${part("count").textContent}. ${name} itself stays as it is.`,
    label: "Name",
    value: `${name} corrected`,
    yes: "Make it",
    act: async (value) => {
      const fields = { changes: JSON.stringify(rows), dataset_name: value };
      const made = await json("POST", url(`/datasets/${datasetId}/relabel.json`), fields);
      localStorage.removeItem(KEPT);
      toastLater(`${made.name} is being made`);
      location.assign(url(`/datasets/${made.id}`));
    },
  });
});

/** The picture that a key or button means: in the large view the one shown there, else the one with the focus. @returns {HTMLElement | null} */
function meant() {
  if (document.querySelector("dialog.large[open]")) return document.querySelector(".cell.current");
  return document.activeElement?.closest(".cell[data-key]") ?? null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (/** @type {Element} */ (event.target).matches("input, textarea, select")) return;
  const cell = meant();
  if (!cell) return;
  if (event.key === "c") choose(cell);
  else if (event.key === "x" || event.key === "Delete") toggle(cell);
  else return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("[data-relabel]")) {
  button.addEventListener("click", () => {
    const cell = meant();
    if (cell) /** @type {HTMLElement} */ (button).dataset.relabel === "out" ? toggle(cell) : choose(cell);
  });
}

// One button follows the pointer from picture to picture; within a link there can be none.
document.addEventListener("pointerover", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target === opener || event.pointerType === "touch") return;
  under = target.closest(".cell[data-key]");
  opener.hidden = !under || Boolean(document.querySelector("dialog[open]"));
  if (!under) return;
  const frame = (under.querySelector(".frame") ?? under).getBoundingClientRect();
  opener.style.left = `${frame.right + scrollX - 24}px`;
  opener.style.top = `${frame.top + scrollY + 2}px`;
});
opener.addEventListener("click", () => under && choose(under));

document.addEventListener("digits:live", mark);
addEventListener("storage", (event) => event.key === KEPT && mark());
mark();
