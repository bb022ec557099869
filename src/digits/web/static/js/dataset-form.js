// @ts-check
/** The form of a new dataset: what the folder holds, what Create will make, one picture in all four resize modes. */

import { json, Refused, url } from "./http.js";
import { bar, commas, counted, element, fact, settled, size } from "./numbers.js";
import { splitCounts, usable } from "./split.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("dataset-form"));
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? "").trim();
const SHOWN_REFUSED = 3;
const UNEVEN = 4;

/** @type {any} what the folder named last holds */
let held = null;
/** @type {any} the example shown last */
let example = null;
let asked = 0;
let readAt = 0;

// ---------------------------------------------------------------- what the folder holds

async function inspect() {
  const path = value("folder_train");
  const mine = ++asked;
  held = null;
  if (!path) return showWill();
  part("holds-body").replaceChildren(element("p", "muted", "Reading the folder …"));
  part("holds-when").textContent = "";
  try {
    let found;
    do {
      found = await json("POST", url("/datasets/inspect.json"), { path, extension: form.dataset.extension ?? "", wait: "1" });
      if (mine !== asked) return;
      if (found.state === "running") {
        part("holds-body").replaceChildren(element("p", "muted", `Reading the folder: ${counted(found.done ?? 0, "file")} so far …`));
      }
    } while (found.state === "running");
    held = found;
    readAt = Date.now();
    showHeld();
  } catch (error) {
    if (mine !== asked) return;
    const words = error instanceof Refused ? error.message : String(error);
    part("holds-body").replaceChildren(element("p", "message bad", words));
  }
  part("holds-again").hidden = false;
  showWill();
}

function showHeld() {
  const { classes, count, refused, refused_count: refusedCount } = held;
  const body = part("holds-body");
  const figures = element("div", "figures", figure(commas(count), "pictures"), figure(commas(classes.length), "classes"));
  if (refusedCount) figures.append(figure(commas(refusedCount), "refused files", true));
  const most = Math.max(1, ...classes.map((/** @type {any} */ each) => each.count));
  const list = element("ul", "class-bars");
  for (const each of [...classes].sort((a, b) => b.count - a.count)) {
    const name = element("span", "text", each.label);
    name.title = each.label;
    list.append(element("li", "", name, bar(each.count / most), element("span", "num", commas(each.count))));
  }
  body.replaceChildren(figures, list, ...warnings(classes), ...refusedList(refused, refusedCount));
  tellAge();
}

/** @param {string} number @param {string} words @param {boolean} [bad] */
function figure(number, words, bad = false) {
  return element("p", bad ? "figure bad" : "figure", element("b", "", number), element("span", "", words));
}

/** @param {{label: string, count: number}[]} classes */
function warnings(classes) {
  const full = classes.filter((each) => each.count > 0);
  if (full.length < 2) {
    return [message("bad", "Fewer than two classes.", "A dataset needs one subfolder with pictures for each class, at least two.")];
  }
  const least = full.reduce((a, b) => (b.count < a.count ? b : a));
  const most = full.reduce((a, b) => (b.count > a.count ? b : a));
  const ratio = most.count / least.count;
  if (ratio < UNEVEN || value("folder_train_max_per_class")) return [];
  const limit = nice(least.count * 2.5);
  const box = message("warn", "Uneven classes.", `${most.label} has ${ratio.toFixed(1)} times the pictures of ${least.label}. A limit of ${commas(limit)} per class evens this out. `);
  const remedy = element("button", "link", `Set the maximum to ${commas(limit)}`);
  /** @type {HTMLButtonElement} */ (remedy).type = "button";
  remedy.addEventListener("click", () => {
    const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("folder_train_max_per_class"));
    input.value = String(limit);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    box.remove();
  });
  box.append(remedy);
  return [box];
}

/** A round number near. @param {number} near */
function nice(near) {
  const power = 10 ** Math.floor(Math.log10(near));
  return Math.max(2, Math.round(near / power) * power);
}

/** @param {string} kind @param {string} fact @param {string} text */
function message(kind, fact, text) {
  return element("p", `message ${kind}`, element("b", "", fact), " ", text);
}

/** @param {{path: string, reason: string}[]} rows @param {number} count */
function refusedList(rows, count) {
  if (!count) return [];
  const root = value("folder_train").replace(/\/*$/, "/");
  const list = element("ul", "refused-files");
  const show = (/** @type {number} */ number) => {
    list.replaceChildren(
      ...rows.slice(0, number).map((row) => element("li", "", element("span", "mono", row.path.replace(root, "")), element("span", "muted", row.reason))),
    );
  };
  show(SHOWN_REFUSED);
  const head = element("h3", "", `Refused files (${commas(count)})`);
  const parts = [head, list];
  if (rows.length > SHOWN_REFUSED) {
    const all = element("button", "link small", rows.length < count ? `Show the first ${rows.length}` : `Show all ${commas(count)}`);
    /** @type {HTMLButtonElement} */ (all).type = "button";
    all.addEventListener("click", () => {
      show(rows.length);
      all.remove();
    });
    parts.push(all);
  }
  return [element("div", "refused-box", ...parts)];
}

function tellAge() {
  if (!held) return;
  const seconds = Math.round((Date.now() - readAt) / 1000);
  part("holds-when").textContent = seconds < 60 ? `Read ${seconds} s ago` : `Read ${Math.round(seconds / 60)} min ago`;
}

// ---------------------------------------------------------------- what Create will make

function showWill() {
  const rows = [];
  const least = Number(value("folder_train_min_per_class") || 1);
  const most = Number(value("folder_train_max_per_class") || Infinity);
  const pctVal = form.has_val_folder.checked ? 0 : Number(value("folder_pct_val") || 0);
  const pctTest = form.has_test_folder.checked ? 0 : Number(value("folder_pct_test") || 0);
  let total = 0;
  if (held && pctVal + pctTest <= 100) {
    const counts = [0, 0, 0];
    for (const each of held.classes) {
      const number = usable(each.count, least, most, pctVal, pctTest);
      splitCounts(number, pctVal, pctTest).forEach((count, index) => (counts[index] += count));
    }
    total = counts[0] + counts[1] + counts[2];
    rows.push(fact("Training", ...pictures(counts[0])));
    rows.push(fact("Validation", ...(form.has_val_folder.checked ? ["its own folder"] : pictures(counts[1]))));
    rows.push(fact("Testing", ...(form.has_test_folder.checked ? ["its own folder"] : pictures(counts[2]))));
  }
  const encoding = { png: "PNG", jpg: "JPEG", none: "raw" }[value("encoding")] ?? value("encoding");
  const colour = value("resize_channels") === "1" ? "grey" : "colour";
  rows.push(fact("Stored as", `${value("resize_width") || "?"} × ${value("resize_height") || "?"}, ${colour}, ${encoding}, ${value("backend").toUpperCase()}`));
  const each = example?.modes?.[value("resize_mode")]?.bytes;
  const free = Number(part("makes").dataset.free);
  if (total && each) {
    rows.push(fact("Size on disk", "about ", element("b", "", size(total * (each + 100))), ` of ${size(free)} free`));
  } else {
    rows.push(fact("Free disk space", size(free)));
  }
  part("makes-facts").replaceChildren(...rows);
  const note = part("makes-note");
  note.hidden = !(total && each);
  note.textContent = "The size is that of the example times the number of pictures. The split is fixed by a seed and kept with the job.";
}

/** @param {number} count */
function pictures(count) {
  return count ? [element("b", "", commas(count)), count === 1 ? " picture" : " pictures"] : ["none"];
}

// ---------------------------------------------------------------- See example

let exampleAsked = 0;

async function showExample() {
  const mine = ++exampleAsked;
  const samples = (held?.classes ?? []).map((/** @type {any} */ each) => each.sample).filter(Boolean);
  const path = samples.length ? samples[Math.floor(Math.random() * samples.length)] : "";
  part("example-note").textContent = "Fitting the picture …";
  try {
    const fields = {
      image_path: path,
      width: value("resize_width"),
      height: value("resize_height"),
      channels: value("resize_channels"),
      encoding: value("encoding"),
      backend: value("backend"),
    };
    const answer = await json("POST", url("/datasets/images/resize-example.json"), fields);
    if (mine !== exampleAsked) return;
    example = answer;
    drawExample(path);
    part("example-note").textContent = "";
  } catch (error) {
    if (mine !== exampleAsked) return;
    part("example-note").textContent = error instanceof Error ? error.message : String(error);
  }
  showWill();
}

const MODES = /** @type {[string, string][]} */ ([["squash", "Squash"], ["crop", "Crop"], ["fill", "Fill"], ["half_crop", "Half crop, half fill"]]);

/** @param {string} path */
function drawExample(path) {
  const { source, modes } = example;
  const root = value("folder_train").replace(/\/*$/, "/");
  part("example-name").textContent = path
    ? `${path.replace(root, "")} from your folder, ${source.width} × ${source.height}`
    : `a drawn picture, ${source.width} × ${source.height}`;
  part("example-show").textContent = held ? "Another picture" : "See example";
  const encoding = { png: "as PNG", jpg: "as JPEG", none: "raw" }[value("encoding")] ?? "";
  const cells = [cell(source.image, "Original", size(source.bytes), null)];
  for (const [mode, title] of MODES) cells.push(cell(modes[mode].image, title, `${size(modes[mode].bytes)} ${encoding}`, mode));
  part("example-row").replaceChildren(...cells);
  part("example-row").hidden = false;
  markMode();
}

/** @param {string} image @param {string} title @param {string} words @param {string | null} mode */
function cell(image, title, words, mode) {
  const picture = document.createElement("img");
  picture.src = image;
  picture.alt = "";
  picture.className = Number(value("resize_width")) < 100 && mode ? "pixels" : "";
  const line = element("span", mode ? "choice" : "", title);
  if (mode) {
    const radio = document.createElement("input");
    radio.type = "radio";
    radio.name = "example_mode";
    radio.value = mode;
    radio.addEventListener("change", () => {
      /** @type {HTMLSelectElement} */ (form.elements.namedItem("resize_mode")).value = mode;
      showWill();
    });
    line.prepend(radio);
  }
  return element(mode ? "label" : "span", "example-cell", element("span", "frame", picture), line, element("span", "small", words));
}

function markMode() {
  for (const radio of document.querySelectorAll('input[name="example_mode"]')) {
    /** @type {HTMLInputElement} */ (radio).checked = /** @type {HTMLInputElement} */ (radio).value === value("resize_mode");
  }
}

// ---------------------------------------------------------------- what follows what is typed

const inspectSoon = settled(async () => {
  await inspect();
  if (held?.count) showExample();
}, 600);
const exampleSoon = settled(() => example && showExample(), 500);

form.addEventListener("input", (event) => {
  const name = /** @type {HTMLInputElement} */ (event.target).name;
  if (name === "folder_train") inspectSoon();
  else if (["resize_width", "resize_height", "resize_channels", "encoding"].includes(name)) exampleSoon();
  if (name === "resize_mode") markMode();
  showWill();
});
part("holds-again").addEventListener("click", inspectSoon);
part("example-show").addEventListener("click", showExample);
setInterval(tellAge, 1000);

showWill();
if (value("folder_train")) inspectSoon();
