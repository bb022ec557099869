// @ts-check
/** The form of a new dataset: what its source holds, what Create will make, an example; and what is dropped on the page. */

import { Example } from "./dataset-example.js";
import { Holds, isWhole } from "./dataset-holds.js";
import { dropped, hasFiles, picked } from "./dropped.js";
import { fields as files } from "./filefield.js";
import { about, commas, element, fact, settled, size } from "./numbers.js";
import { splitCounts, usable } from "./split.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("dataset-form"));
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? "").trim();
const input = (/** @type {string} */ name) => /** @type {HTMLInputElement | null} */ (form.querySelector(`[name="${name}"]`));
const RECORD_BYTES = 100;
const LOOKED_AT = { annotation_format: 1, custom_classes: 1, class_mapping: 1, folder_pct_val: 1, colormap_method: 1, ignore_label: 1, has_val_folder: 1 };

const holds = new Holds({ take, most: () => value("folder_train_max_per_class"), limit, changed: showWill });
const example = part("example") ? new Example(form, value, showWill) : null;

// ---------------------------------------------------------------- what is asked

/** The visible fields of the chosen source, or what is missing before there is anything to look at. */
function question() {
  const whole = /** @type {HTMLElement | null} */ (form.querySelector("[data-look]"));
  if (whole) return wholeQuestion(whole);
  const source = /** @type {HTMLElement | null} */ (form.querySelector(`fieldset.source-fields[data-only="method=${value("method")}"]`));
  if (!source) return { question: null, hint: "What this kind of source holds is seen when it is made." };
  const controls = /** @type {HTMLInputElement[]} */ ([...source.querySelectorAll("input[data-path], [data-upload]")]);
  const seen = controls.filter((each) => !each.parentElement?.closest("[hidden]"));
  const sending = [...files.values()].find((file) => source.contains(file.box) && file.isBusy);
  if (sending) return { question: null, hint: "It is seen here as soon as it has been sent." };
  if (value("method") === "textfile") {
    const missing = seen.filter((each) => !each.value && /_(images|labels)(_upload|_file)?$/.test(each.name));
    const first = seen.find((each) => each.value && each.name.endsWith("_images"));
    if (missing.length && first) return { question: asked({ path: first.value.trim(), extension: form.dataset.extension ?? "" }), hint: "" };
    if (missing.length) return { question: null, hint: "Choose the lists and the names of the classes, and what they hold is shown here." };
    return { question: asked(sourceFields()), hint: "" };
  }
  const upload = seen.find((each) => "upload" in each.dataset && each.value);
  const path = seen.find((each) => each.dataset.path && each.value.trim());
  const words = [...source.querySelectorAll("input:not([type], [data-number], [data-path])")].some((each) => /** @type {HTMLInputElement} */ (each).value.trim());
  if (upload || (words && !path)) return { question: asked(sourceFields()), hint: "" };
  if (path) return { question: asked({ ...sourceFields(), path: path.value.trim() }), hint: "" };
  return { question: null, hint: "Name or send the pictures, and their classes, counts and refused files are shown here before anything is written." };
}

/** Where all fields say what a dataset is made of: a first path alone is recognised, more are read as the form has them. @param {HTMLElement} source */
function wholeQuestion(source) {
  const controls = /** @type {HTMLInputElement[]} */ ([...source.querySelectorAll("input[data-path]")]);
  const given = controls.filter((each) => each.value.trim() && !each.closest("[hidden]"));
  if (!given.length) return { question: null, hint: source.dataset.look ?? "" };
  if (given.length === 1) return { question: asked({ path: given[0].value.trim() }), hint: "" };
  return { question: asked(sourceFields()), hint: "" };
}

/** @param {Record<string, string>} fields */
const asked = (fields) => ({ ...fields, extension: form.dataset.extension ?? "", again: String(looked) });

/** Every text of the form. @returns {Record<string, string>} */
function sourceFields() {
  return Object.fromEntries([...new FormData(form)].filter(([, text]) => typeof text === "string"));
}

let looked = Date.now();

async function look() {
  const { question: what, hint } = question();
  await holds.look(what, hint);
  if (holds.found?.count) example?.show(holds.found, true);
}
const lookSoon = settled(look, 600);

/** Fill in the fields of what was recognised. @param {Record<string, string[]>} found */
function take(found) {
  for (const [name, [text]] of Object.entries(found)) {
    for (const each of form.querySelectorAll(`[name="${name}"]`)) {
      const control = /** @type {HTMLInputElement} */ (each);
      if (control.type === "radio") control.checked = control.value === text;
      else if (control.type === "checkbox") control.checked = text === "true";
      else if (control.type !== "file") control.value = text;
    }
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
  look();
}

/** @param {number} count */
function limit(count) {
  const most = input("folder_train_max_per_class");
  if (!most) return;
  most.value = String(count);
  most.dispatchEvent(new Event("input", { bubbles: true }));
}

// ---------------------------------------------------------------- what Create will make

/** Pictures for training, validation and testing, as the build will deal them. */
function dealt() {
  const { classes, dbs, class_dbs: byDb = {}, format, fields: better } = holds.found;
  if (isWhole(holds.found)) return ["train", "val", "test"].map((db) => dbs[db] ?? 0);
  if (format === "textfile") return ["train", "val", "test"].map((db) => dbs[db] ?? 0); // its lists say all
  const least = Number(value("folder_train_min_per_class") || 1);
  const most = Number(value("folder_train_max_per_class") || Infinity);
  const own = (/** @type {string} */ db) => {
    if (format !== "folder") return Boolean(dbs[db]);
    if (better) return better[`has_${db}_folder`]?.[0] === "true";
    return value("method") === "folder" && input(`has_${db}_folder`)?.checked;
  };
  const pctVal = own("val") ? 0 : Number(value("folder_pct_val") || 0);
  const pctTest = own("test") ? 0 : Number(value("folder_pct_test") || 0);
  if (!(pctVal + pctTest <= 100)) return null;
  const counts = [0, 0, 0];
  classes.forEach((/** @type {any} */ each, /** @type {number} */ index) => {
    const given = ["train", "val", "test"].map((db) => byDb[db]?.[index] ?? 0);
    const open = Math.max(0, each.count - given[0] - given[1] - given[2]);
    if (open + given[0] < least) return;
    splitCounts(usable(open, 0, most, pctVal, pctTest), pctVal, pctTest).forEach((count, db) => (counts[db] += count));
    counts[0] += Math.min(given[0], most);
    counts[1] += given[1];
    counts[2] += given[2];
  });
  return counts;
}

/** A share is not asked for where the source brings pictures of its own for it. */
function showShares() {
  if (isWhole(holds.found)) return; // it dealt the pictures as the form says
  for (const db of ["val", "test"]) {
    const share = /** @type {HTMLElement | null | undefined} */ (input(`folder_pct_${db}`)?.closest(".field"));
    if (share) share.hidden = value("method") !== "folder" && Boolean(holds.found?.dbs?.[db]);
  }
}

function showWill() {
  showShares();
  const rows = [];
  const counts = holds.found ? dealt() : null;
  const total = counts ? counts[0] + counts[1] + counts[2] : 0;
  if (counts) ["Training", "Validation", "Testing"].forEach((title, db) => rows.push(fact(title, ...pictures(counts[db]))));
  if (value("resize_width") && !isWhole(holds.found)) {
    const encodings = { png: "PNG", jpg: "JPEG", none: "raw" };
    const encoding = value("backend") === "hdf5" ? "32-bit numbers" : (encodings[value("encoding")] ?? value("encoding"));
    const colour = { 1: "grey", 0: "channels as they are" }[value("resize_channels")] ?? "colour";
    rows.push(fact("Stored as", `${value("resize_width")} × ${value("resize_height") || "?"}, ${colour}, ${encoding}, ${value("backend").toUpperCase()}`));
  }
  if (isWhole(holds.found)) rows.push(fact("Stored as", value("resize_width") ? `${value("resize_width")} × ${value("resize_height") || "?"}, pictures and labels` : boxSize()));
  const isLarge = total > (holds.found?.shard_above ?? Infinity);
  if (isLarge && value("backend") === "hdf5") {
    rows.push(fact("Shards", "none: HDF5 is made in one piece, and begins again when it is stopped. LMDB can be resumed at each shard."));
  }
  if (isLarge && value("backend") === "lmdb") {
    const shards = counts.reduce((sum, count) => sum + Math.ceil(count / holds.found.shard_images), 0);
    rows.push(fact("Shards", element("b", "", commas(shards)), ` of ${commas(holds.found.shard_images)} pictures: it can be resumed at each`));
  }
  const free = Number(part("makes").dataset.free);
  const pace = example?.shown?.pace;
  if (total && pace?.measured) {
    const seconds = holds.found.seconds + (holds.found.fetch?.seconds ?? 0) + (total * pace.picture_s) / (holds.found.num_threads || 1);
    const bytes = total * (pace.picture_bytes + RECORD_BYTES);
    rows.push(fact("Size on disk", "about ", element("b", "", size(bytes)), ` of ${size(free)} free`));
    rows.push(...sourceCosts(holds.found));
    rows.push(fact("Time", "about ", element("b", "", about(seconds).replace("about ", ""))));
  } else {
    rows.push(fact("Free disk space", size(free)));
  }
  part("makes-facts").replaceChildren(...rows);
  const note = part("makes-note");
  note.hidden = !(total && pace?.measured);
  note.textContent = `From ${pace?.measured} pictures prepared just now. The split is fixed by a seed and kept with the job.`;
}

/** The size that pictures with boxes are stored in. */
function boxSize() {
  const side = (/** @type {string} */ what) => (value(`${what}_image_width`) ? `${value(`${what}_image_width`)} × ${value(`${what}_image_height`)}` : "");
  const { min, max } = holds.found.sizes;
  const own = min && `${min.join(" × ")}${String(min) === String(max) ? "" : ` to ${max.join(" × ")}, not one size: pad or resize them`}`;
  const padded = side("padding") && `padded to ${side("padding")}`;
  return [own, padded, side("resize") && `resized to ${side("resize")}`].filter(Boolean).join(", ");
}

/** What a build takes besides the dataset itself: disk for what must be unpacked or fetched first. @param {any} found */
function sourceCosts({ fetch, unpacked_bytes: unpacked }) {
  const rows = [];
  if (unpacked) rows.push(fact("To unpack", element("b", "", size(unpacked)), " of disk until it is made"));
  if (fetch?.count) {
    const bytes = fetch.bytes ? `, about ${size(fetch.bytes)} of disk until it is made` : "";
    rows.push(fact("To fetch", element("b", "", commas(fetch.count)), `${fetch.count === 1 ? " picture" : " pictures"}${bytes}`));
  }
  return rows;
}

/** @param {number} count */
function pictures(count) {
  return count ? [element("b", "", commas(count)), count === 1 ? " picture" : " pictures"] : ["none"];
}

/** KITTI's padding is the default of its own format alone. */
function fitPadding() {
  const sides = [input("padding_image_width"), input("padding_image_height")];
  const isKitti = value("annotation_format") === "kitti";
  if (sides.some((side) => !side || side.value !== (isKitti ? "" : side.defaultValue))) return;
  for (const side of sides) if (side) side.value = isKitti ? side.defaultValue : "";
}

// ---------------------------------------------------------------- what is dropped

let depth = 0;

/** @param {import("./transfer.js").Source} source */
function useArchive(source) {
  const radio = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="method"][value="archive"]'));
  if (!radio) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  files.get("archive_file")?.send(source);
}

if (files.has("archive_file")) {
  document.addEventListener("dragenter", (event) => hasFiles(event) && document.body.classList.toggle("dragging", ++depth > 0));
  document.addEventListener("dragleave", (event) => hasFiles(event) && document.body.classList.toggle("dragging", --depth > 0));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!event.dataTransfer || !hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dragging");
    const box = /** @type {Element} */ (event.target).closest?.("[data-file]");
    const name = /** @type {HTMLElement | null} */ (box)?.dataset.file ?? "";
    const source = name && name !== "archive_file" ? event.dataTransfer.files[0] : await dropped(event.dataTransfer, (count) => holds.say(`${commas(count)} files …`));
    if (!source) return;
    if (name && name !== "archive_file") files.get(name)?.send(source);
    else useArchive(source);
  });
  part("folder-pick").addEventListener("change", (event) => {
    const chosen = /** @type {HTMLInputElement} */ (event.target);
    const source = chosen.files && picked(chosen.files);
    chosen.value = "";
    if (source) useArchive(source);
  });
}

// ---------------------------------------------------------------- what follows what is typed

const exampleSoon = settled(() => example?.shown && example.show(holds.found), 500);

form.addEventListener("input", (event) => {
  const control = /** @type {HTMLInputElement} */ (event.target);
  if (control.dataset.path) lookSoon();
  if (["resize_width", "resize_height", "resize_channels", "encoding", "backend", "resize_mode"].includes(control.name)) exampleSoon();
  if (control.name === "resize_mode") example?.mark();
  showWill();
});
form.addEventListener("change", (event) => {
  const control = /** @type {HTMLInputElement} */ (event.target);
  if (control.name === "annotation_format") fitPadding();
  if (form.querySelector("[data-look]") && control.name in LOOKED_AT) setTimeout(look);
  const words = control.closest("fieldset.source-fields") && control.type === "text" && !control.dataset.path && !("number" in control.dataset);
  if (control.name === "method" || words || (control.type === "checkbox" && control.closest("#source"))) setTimeout(look);
});
form.addEventListener("digits:file", look);
part("holds-again").addEventListener("click", () => {
  looked = Date.now();
  look();
});
part("example-show")?.addEventListener("click", () => example?.show(holds.found, true));

showWill();
look();
