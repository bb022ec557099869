// @ts-check
/** The model's page: the chosen snapshot goes into what is downloaded and tested; a picture may be dropped. */

import { toast } from "./toast.js";

/** The snapshot that is chosen; the newest one until a reader chose another. */
let chosen = "";

function follow() {
  const radios = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('#snapshots input[name="snapshot"]')]);
  if (!radios.length) return;
  const wanted = radios.find((radio) => radio.value === chosen) ?? radios[0];
  wanted.checked = true;
  const epoch = wanted.value;
  for (const input of document.querySelectorAll('[data-test] [name="snapshot_epoch"]')) /** @type {HTMLInputElement} */ (input).value = epoch;
  for (const note of document.querySelectorAll("[data-with]")) note.textContent = `with epoch ${epoch}`;
  for (const button of document.querySelectorAll("[data-test] button:disabled")) /** @type {HTMLButtonElement} */ (button).disabled = false;
  for (const link of document.querySelectorAll("[data-download]")) {
    const address = new URL(/** @type {HTMLAnchorElement} */ (link).href);
    address.searchParams.set("epoch", epoch);
    /** @type {HTMLAnchorElement} */ (link).href = address.href;
  }
}

document.addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.name !== "snapshot") return;
  const newest = /** @type {HTMLInputElement | null} */ (document.querySelector('#snapshots input[name="snapshot"]'));
  chosen = input === newest ? "" : input.value;
  follow();
});
document.addEventListener("digits:live", follow);
follow();

// An export is computed before it is sent.
document.addEventListener("click", (event) => {
  const item = /** @type {Element} */ (event.target).closest("#export-menu .menu-item");
  if (!item) return;
  item.closest("details")?.removeAttribute("open");
  toast("The file is being written. Its download begins in a few seconds.");
});

// A picture may be dropped anywhere on its box.
for (const box of document.querySelectorAll("[data-drop]")) {
  const input = /** @type {HTMLInputElement} */ (box.querySelector('input[type="file"]'));
  const words = /** @type {HTMLElement} */ (box.querySelector("b"));
  const told = words.textContent ?? "";
  const tell = () => (words.textContent = input.files?.length ? input.files[0].name : told);
  input.addEventListener("change", tell);
  for (const name of ["dragover", "dragenter"]) {
    box.addEventListener(name, (event) => {
      event.preventDefault();
      box.classList.add("over");
    });
  }
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    const files = /** @type {DragEvent} */ (event).dataTransfer?.files;
    if (!files?.length) return;
    input.files = files;
    tell();
  });
}

// Work that takes a while says so.
for (const form of document.querySelectorAll("form[data-test]")) {
  form.addEventListener("submit", (event) => {
    const button = /** @type {SubmitEvent} */ (event).submitter;
    if (button instanceof HTMLButtonElement) {
      button.textContent = "Working …";
      setTimeout(() => (button.disabled = true));
    }
  });
}
