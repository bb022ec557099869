// @ts-check
/** The form of a pretrained model: files go up in pieces, and each framework asks for files of its own. */

import "./filefield.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("pretrained-form"));
const file = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

function follow() {
  const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="framework"]:checked'));
  file("weights_file").accept = chosen?.dataset.weights ?? "";
  file("model_def_file").accept = chosen?.dataset.definition ?? "";
  file("labels_file").accept = ".txt,text/plain";
}

form.addEventListener("change", follow);
follow();
