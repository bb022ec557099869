// @ts-check
/** The home page's table: selection by click, Shift, drag and keyboard, what is done with it, groups that fold, chosen columns. */

import { ask } from "./ask.js";
import { json, Refused, send } from "./http.js";
import { refresh } from "./live.js";
import { toast } from "./toast.js";

/** @type {Set<string>} ids of the chosen jobs */
const chosen = new Set();
const folded = new Set();
let last = "";
/** Address of the ids of all jobs that match, once those of other pages are chosen too. */
let everything = "";

const COLUMNS = "digits.home.columns";
/** @type {Record<string, boolean>} */
let columns = JSON.parse(localStorage.getItem(COLUMNS) ?? "{}");

const all = (/** @type {string} */ selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);
const boxes = () => /** @type {HTMLInputElement[]} */ (all('#job-rows input[name="job_ids[]"]')).filter((box) => !box.closest("tr")?.hidden);
const rowOf = (/** @type {string} */ id) => /** @type {HTMLElement | null} */ (document.querySelector(`#job-rows tr[data-id="${id}"]`));

const table = () => /** @type {HTMLElement | null} */ (document.getElementById("job-rows"))?.dataset ?? {};

function show() {
  const present = new Set(boxes().map((box) => box.value));
  if (everything !== table().matching) everything = "";
  if (!everything) for (const id of chosen) if (!present.has(id)) chosen.delete(id);
  for (const box of boxes()) {
    box.checked = chosen.has(box.value);
    box.closest("tr")?.classList.toggle("selected", box.checked);
  }
  const every = /** @type {HTMLInputElement | null} */ (document.getElementById("select-all"));
  if (every) {
    every.checked = chosen.size > 0 && chosen.size >= present.size;
    every.indeterminate = chosen.size > 0 && chosen.size < present.size;
  }
  const more = document.getElementById("select-matching");
  if (more) {
    more.hidden = !every?.checked || chosen.size >= Number(table().count);
    more.textContent = `Select all ${Number(table().count).toLocaleString("en")}`;
  }
  const bar = document.getElementById("selection");
  if (bar) bar.hidden = chosen.size === 0;
  const count = document.getElementById("selected-count");
  if (count) count.textContent = `${chosen.size.toLocaleString("en")} selected`;
  const running = everything || [...chosen].some((id) => ["Initialized", "Waiting", "Running"].includes(rowOf(id)?.dataset.state ?? ""));
  const abort = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-selection="abort"]'));
  if (abort) abort.disabled = !running;
  const compare = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-selection="compare"]'));
  if (compare) compare.disabled = chosen.size < 2 || chosen.size > MOST_COMPARED;
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

async function chooseEverything() {
  const address = table().matching ?? "";
  const found = await json("GET", address);
  if (address !== table().matching) return;
  everything = address;
  for (const id of found.job_ids) chosen.add(id);
  show();
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const box = target.closest('#job-rows input[name="job_ids[]"]');
  const fold = target.closest("#job-rows .fold");
  const row = target.closest("#job-rows tr[data-id]");
  if (box instanceof HTMLInputElement) return choose(box.value, box.checked, event.shiftKey);
  if (target.id === "select-all") {
    if (!(/** @type {HTMLInputElement} */ (target).checked)) chosen.clear();
    else for (const each of boxes()) chosen.add(each.value);
    return show();
  }
  if (target.id === "select-matching") return void chooseEverything().catch((error) => toast(error.message));
  if (fold) {
    const name = /** @type {HTMLElement} */ (fold.closest("tbody")).dataset.group;
    folded.has(name) ? folded.delete(name) : folded.add(name);
    return show();
  }
  if (row instanceof HTMLElement && !target.closest("a, button, input")) {
    const id = row.dataset.id ?? "";
    if (dragged || getSelection()?.toString()) return;
    choose(id, !chosen.has(id), event.shiftKey);
  }
});

// Dragging over rows chooses them, from the one where the button went down.
let from = "";
let dragged = false;

document.addEventListener("mousedown", (event) => {
  const target = /** @type {Element} */ (event.target);
  const row = target.closest("#job-rows tr[data-id]");
  from = event.button === 0 && row instanceof HTMLElement && !target.closest("a, button, input") ? row.dataset.id ?? "" : "";
  dragged = false;
});

document.addEventListener("mouseover", (event) => {
  const row = /** @type {Element} */ (event.target).closest("#job-rows tr[data-id]");
  if (!from || !(event.buttons & 1) || !(row instanceof HTMLElement)) return;
  const id = row.dataset.id ?? "";
  if (!dragged && id === from) return;
  dragged = true;
  getSelection()?.removeAllRanges();
  last = from;
  choose(id, true, true);
});

document.addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (!box.closest("#columns")) return;
  columns = { ...columns, [box.dataset.column ?? ""]: box.checked };
  localStorage.setItem(COLUMNS, JSON.stringify(columns));
  showColumns();
});

/** @param {number} count */
const jobs = (count) => `${count.toLocaleString("en")} job${count === 1 ? "" : "s"}`;

const MOST_COMPARED = 20;

/** @type {Record<string, (ids: string[], address: string) => void>} */
const SELECTION = {
  compare(ids, address) {
    location.href = `${address}?ids=${ids.join(",")}`;
  },
  group(ids, address) {
    ask({
      title: `Put ${jobs(ids.length)} into a group`,
      text: "Jobs of one group fold together. An empty name takes them out of theirs.",
      yes: "Group",
      label: "Group Name",
      value: "",
      act: async (name, say) => {
        await inBatches("POST", address, ids, say, { group_name: name });
        toast(`${jobs(ids.length)} regrouped`);
      },
    });
  },
  abort(ids, address) {
    ask({
      title: `Abort ${jobs(ids.length)}?`,
      text: "They stop in good order. What they have made so far stays usable.",
      yes: "Abort",
      danger: true,
      act: async (_, say) => {
        await inBatches("POST", address, ids, say);
        toast(`${jobs(ids.length)} asked to stop`);
      },
    });
  },
  delete(ids, address) {
    ask({
      title: `Delete ${jobs(ids.length)}?`,
      text: "The jobs and all their files go for good.",
      yes: "Delete",
      danger: true,
      act: async (_, say) => {
        await inBatches("DELETE", address, ids, say);
        toast(`${jobs(ids.length)} deleted`);
      },
    });
  },
};

const BATCH = 100; // a second or two of the server's work each, so that one sees it go on

/**
 * Do something to many jobs, some at a time; what was done stays done where others fail.
 * @param {string} method
 * @param {string} address
 * @param {string[]} ids
 * @param {(text: string) => void} say
 * @param {Record<string, string>} [fields]
 * @throws {Refused} with what could not be done
 */
async function inBatches(method, address, ids, say, fields = {}) {
  /** @type {string[]} */
  const problems = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    if (ids.length > BATCH) say(`${start.toLocaleString("en")} of ${jobs(ids.length)}`);
    try {
      await send(method, address, { ...fields, "job_ids[]": ids.slice(start, start + BATCH) });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 400) throw error;
      problems.push(error.message);
    }
  }
  chosen.clear();
  await refresh();
  show();
  if (problems.length) throw new Refused(summed(problems), 400);
}

/** Add up "3 jobs not found." of several answers. @param {string[]} texts */
function summed(texts) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const rest = texts.join(" ").replace(/(\d+) jobs? ((?:not|cannot)[^.]*)\. ?/g, (_, count, what) => {
    counts.set(what, (counts.get(what) ?? 0) + Number(count));
    return "";
  });
  const lines = [...counts].map(([what, count]) => `${jobs(count)} ${what}.`);
  return [...lines, rest.length > 400 ? rest.slice(0, 400) + "…" : rest].join(" ").trim();
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-selection]");
  if (button instanceof HTMLElement) SELECTION[button.dataset.selection ?? ""]?.([...chosen], button.dataset.url ?? "");
});

document.addEventListener("digits:live", show);
document.addEventListener("htmx:afterSettle", show);
show();
