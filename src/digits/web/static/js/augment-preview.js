// @ts-check
/** Pictures of the chosen dataset as a training with the form's augmentation might see them, anew whenever a field changes. */

import { json } from "./http.js";
import { element, settled } from "./numbers.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("model-form"));
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const group = /** @type {HTMLDetailsElement} */ (part("augmentation"));
/** What is named in the heading, by field; the rest are amounts of these. */
const NAMES = /** @type {[string, string][]} */ ([
  ["aug_flip", "flipping"], ["aug_quad_rot", "quarter turns"], ["aug_rot", "rotation"], ["aug_scale", "rescale"],
  ["aug_noise", "noise"], ["aug_contrast", "contrast"], ["aug_hsv_use", "colours"], ["aug_whitening", "whitening"],
]);
let seed = 0;
let asked = 0;
let last = "";

function describe() {
  const fields = new FormData(form);
  const on = NAMES.filter(([name]) => !["", "none", "0"].includes(String(fields.get(name) ?? "")) && Number(fields.get(name)) !== 0);
  const words = on.map(([, word]) => word).join(", ");
  part("augmentation-words").textContent = words ? words[0].toUpperCase() + words.slice(1) : "None";
}

/** @param {any} picture */
function row(picture) {
  const original = image(picture.original, "As it is");
  original.classList.add("augmented-original");
  return [original, ...picture.versions.map((/** @type {string} */ source) => image(source, "Changed by chance"))];
}

/** @param {string} source @param {string} words */
function image(source, words) {
  const picture = document.createElement("img");
  picture.src = source;
  picture.alt = words;
  picture.title = words;
  return picture;
}

async function show() {
  const fields = /** @type {Record<string, string>} */ ({ seed: String(seed) });
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("aug_") || name === "dataset" || name === "crop_size") fields[name] = String(value);
  }
  const question = JSON.stringify(fields);
  if (!group.open || !fields.dataset || question === last) return;
  last = question;
  const mine = ++asked;
  try {
    const { pictures } = await json("POST", /** @type {string} */ (group.dataset.url), fields);
    if (mine !== asked) return;
    part("augmented").replaceChildren(...pictures.flatMap(row));
    part("augmented-note").textContent = "The first of each row is as it is; the others are what a training might see.";
  } catch (error) {
    if (mine !== asked) return;
    last = "";
    part("augmented").replaceChildren(element("p", "muted", "No preview."));
    part("augmented-note").textContent = error instanceof Error ? error.message : String(error);
  }
}

const showSoon = settled(show, 250);

function follow() {
  describe();
  showSoon();
}

form.addEventListener("input", follow);
form.addEventListener("change", follow);
group.addEventListener("toggle", follow);
part("augmented-others").addEventListener("click", () => {
  seed += 1;
  show();
});
follow();
