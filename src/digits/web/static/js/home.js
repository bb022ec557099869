// @ts-check
/** The home page's table: selection by click, Shift and keyboard, what is done with it, groups that fold, chosen columns. */

import { ask } from "./ask.js";
import { send } from "./http.js";
import { refresh } from "./live.js";
import { toast } from "./toast.js";

/** @type {Set<string>} ids of the chosen jobs */
const chosen = new Set();
const folded = new Set();
let last = "";

const COLUMNS = "digits.home.columns";
/** @type {Record<string, boolean>} */
let columns = JSON.parse(localStorage.getItem(COLUMNS) ?? "{}");

const all = (/** @type {string} */ selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);
const boxes = () => /** @type {HTMLInputElement[]} */ (all('#job-rows input[name="job_ids[]"]')).filter((box) => !box.closest("tr")?.hidden);
const rowOf = (/** @type {string} */ id) => /** @type {HTMLElement | null} */ (document.querySelector(`#job-rows tr[data-id="${id}"]`));

function show() {
  const present = new Set(boxes().map((box) => box.value));
  for (const id of chosen) if (!present.has(id)) chosen.delete(id);
  for (const box of boxes()) {
    box.checked = chosen.has(box.value);
    box.closest("tr")?.classList.toggle("selected", box.checked);
  }
  const every = /** @type {HTMLInputElement | null} */ (document.getElementById("select-all"));
  if (every) {
    every.checked = chosen.size > 0 && chosen.size === present.size;
    every.indeterminate = chosen.size > 0 && chosen.size < present.size;
  }
  const bar = document.getElementById("selection");
  if (bar) bar.hidden = chosen.size === 0;
  const count = document.getElementById("selected-count");
  if (count) count.textContent = `${chosen.size} selected`;
  const running = [...chosen].some((id) => ["Initialized", "Waiting", "Running"].includes(rowOf(id)?.dataset.state ?? ""));
  const abort = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-selection="abort"]'));
  if (abort) abort.disabled = !running;
  showColumns();
  showGroups();
}

function showColumns() {
  for (const box of all("#columns input")) {
    const key = box.dataset.column ?? "";
    if (key in columns) /** @type {HTMLInputElement} */ (box).checked = columns[key];
  }
  for (const cell of all("#job-rows [data-column]")) {
    const key = cell.dataset.column ?? "";
    if (key in columns) cell.hidden = !columns[key];
  }
}

function showGroups() {
  for (const group of all("#job-rows tbody[data-group]")) {
    const away = folded.has(group.dataset.group);
    group.querySelector(".fold")?.setAttribute("aria-expanded", String(!away));
    for (const row of group.querySelectorAll("tr:not(.group)")) /** @type {HTMLElement} */ (row).hidden = away;
  }
}

/** @param {string} id @param {boolean} on @param {boolean} range */
function choose(id, on, range) {
  const ids = boxes().map((box) => box.value);
  const [from, to] = [ids.indexOf(last), ids.indexOf(id)].sort((a, b) => a - b);
  for (const each of range && from >= 0 ? ids.slice(from, to + 1) : [id]) on ? chosen.add(each) : chosen.delete(each);
  last = id;
  show();
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const box = target.closest('#job-rows input[name="job_ids[]"]');
  const fold = target.closest("#job-rows .fold");
  const row = target.closest("#job-rows tr[data-id]");
  if (box instanceof HTMLInputElement) return choose(box.value, box.checked, event.shiftKey);
  if (target.id === "select-all") {
    for (const each of boxes()) /** @type {HTMLInputElement} */ (target).checked ? chosen.add(each.value) : chosen.delete(each.value);
    return show();
  }
  if (fold) {
    const name = /** @type {HTMLElement} */ (fold.closest("tbody")).dataset.group;
    folded.has(name) ? folded.delete(name) : folded.add(name);
    return show();
  }
  if (row instanceof HTMLElement && !target.closest("a, button, input")) {
    const id = row.dataset.id ?? "";
    if (getSelection()?.toString()) return;
    choose(id, !chosen.has(id), event.shiftKey);
  }
});

document.addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (!box.closest("#columns")) return;
  columns = { ...columns, [box.dataset.column ?? ""]: box.checked };
  localStorage.setItem(COLUMNS, JSON.stringify(columns));
  showColumns();
});

/** @param {number} count */
const jobs = (count) => `${count} job${count === 1 ? "" : "s"}`;

/** @type {Record<string, (ids: string[], address: string) => void>} */
const SELECTION = {
  group(ids, address) {
    ask({
      title: `Put ${jobs(ids.length)} into a group`,
      text: "Jobs of one group fold together. An empty name takes them out of theirs.",
      yes: "Group",
      label: "Group Name",
      value: "",
      act: async (name) => done(await send("POST", address, { group_name: name, "job_ids[]": ids }), `${jobs(ids.length)} regrouped`),
    });
  },
  abort(ids, address) {
    ask({
      title: `Abort ${jobs(ids.length)}?`,
      text: "They stop in good order. What they have made so far stays usable.",
      yes: "Abort",
      danger: true,
      act: async () => done(await send("POST", address, { "job_ids[]": ids }), `${jobs(ids.length)} asked to stop`),
    });
  },
  delete(ids, address) {
    ask({
      title: `Delete ${jobs(ids.length)}?`,
      text: "The jobs and all their files go for good.",
      yes: "Delete",
      danger: true,
      act: async () => done(await send("DELETE", address, { "job_ids[]": ids }), `${jobs(ids.length)} deleted`),
    });
  },
};

/** @param {string} _answer @param {string} words */
async function done(_answer, words) {
  chosen.clear();
  toast(words);
  await refresh();
  show();
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-selection]");
  if (button instanceof HTMLElement) SELECTION[button.dataset.selection ?? ""]?.([...chosen], button.dataset.url ?? "");
});

document.addEventListener("digits:live", show);
document.addEventListener("htmx:afterSettle", show);
show();
