// @ts-check
/** Files of a form: each goes up in pieces as soon as it is chosen, and the form sends its id. Without scripts it goes with the form. */

import { about, commas, size } from "./numbers.js";
import { Transfer } from "./transfer.js";

/** @typedef {import("./transfer.js").Source} Source */

/** A field for a file. Its element says "digits:file" when what is chosen has changed. */
export class FileField {
  /** @param {HTMLElement} box */
  constructor(box) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (box.querySelector(name));
    this.box = box;
    this.input = /** @type {HTMLInputElement} */ (part('input[type="file"]'));
    this.hidden = /** @type {HTMLInputElement} */ (part("[data-upload]"));
    this.chosen = part("[data-chosen]");
    this.progress = part("[data-progress]");
    this.bar = /** @type {HTMLProgressElement} */ (part("progress"));
    this.state = part("[data-state]");
    this.cancelButton = /** @type {HTMLButtonElement} */ (part("[data-cancel]"));
    /** @type {Transfer | null} */
    this.transfer = null;
    this.input.addEventListener("change", () => this.input.files?.length && this.send(this.input.files[0]));
    this.cancelButton.addEventListener("click", () => this.drop());
    part("[data-drop-file]").addEventListener("click", () => this.drop());
    this.show();
  }

  /** Whether a file is on its way. */
  get isBusy() {
    return this.transfer !== null && !this.hidden.value;
  }

  /** Whether a file is there for the form to send. */
  get isChosen() {
    return this.hidden.value !== "";
  }

  /** Send a file or an archive in the place of what was chosen before. @param {Source} source */
  async send(source) {
    this.transfer?.cancel();
    this.hidden.value = "";
    this.input.value = "";
    const transfer = (this.transfer = new Transfer(source, (progress) => this.tell(transfer, progress)));
    this.part("[data-name]").textContent = source.name;
    this.part("[data-size]").textContent = size(source.size);
    this.bar.value = 0;
    this.state.textContent = `${source.name}: beginning …`;
    await this.go(transfer);
  }

  /** @param {Transfer} transfer */
  async go(transfer) {
    this.state.className = "";
    this.cancelButton.textContent = "Cancel";
    this.show();
    this.changed();
    try {
      const id = await transfer.run();
      if (transfer !== this.transfer) return;
      this.hidden.value = id;
      this.transfer = null;
    } catch (error) {
      if (transfer !== this.transfer) return;
      this.fail(transfer, error instanceof Error ? error.message : String(error));
      return;
    }
    this.show();
    this.changed();
  }

  /** @param {Transfer} transfer @param {string} words */
  fail(transfer, words) {
    this.state.className = "error-text";
    this.state.textContent = `${transfer.source.name}: ${words} `;
    const again = document.createElement("button");
    again.type = "button";
    again.className = "link small";
    again.textContent = "Try again";
    again.addEventListener("click", () => this.go(transfer));
    this.state.append(again);
    this.box.dispatchEvent(new CustomEvent("digits:file-failed", { bubbles: true }));
  }

  /** Forget the file. */
  drop() {
    this.transfer?.cancel();
    this.transfer = null;
    this.hidden.value = "";
    this.show();
    this.box.dispatchEvent(new CustomEvent("digits:file-failed", { bubbles: true }));
    this.changed();
    this.input.focus();
  }

  /** @param {Transfer} transfer @param {import("./transfer.js").Progress} progress */
  tell(transfer, { done, rate, elapsed_s, left_s, trouble }) {
    if (transfer !== this.transfer) return;
    const whole = transfer.source.size;
    this.bar.value = whole ? done / whole : 1;
    const percent = whole ? Math.floor((100 * done) / whole) : 100;
    const left = left_s === null || trouble ? "" : `, ${about(left_s)} left`;
    const speed = trouble || `${rate ? `${size(rate)}/s, ` : ""}${commas(elapsed_s)} s so far${left}`;
    this.state.textContent = `${transfer.source.name}: ${percent} % of ${size(whole)}, ${speed}`;
  }

  show() {
    this.progress.hidden = this.transfer === null;
    this.chosen.hidden = !this.isChosen;
    this.input.hidden = this.isChosen || this.transfer !== null;
  }

  changed() {
    this.box.dispatchEvent(new CustomEvent("digits:file", { bubbles: true }));
  }

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.box.querySelector(name));
  }
}

/** The file fields of the page by name. @type {Map<string, FileField>} */
export const fields = new Map();
for (const box of document.querySelectorAll("[data-file]")) {
  const element = /** @type {HTMLElement} */ (box);
  fields.set(element.dataset.file ?? "", new FileField(element));
}

// A form waits for its files.
for (const form of document.querySelectorAll("form[data-form]")) {
  const note = /** @type {HTMLElement | null} */ (form.querySelector('#create-note, [role="status"].note'));
  const busy = () => [...fields.values()].filter((field) => form.contains(field.box) && field.isBusy);
  let waits = false;
  form.addEventListener("submit", (event) => {
    if (!busy().length) return;
    event.preventDefault();
    waits = true;
    if (note) note.textContent = "It follows as soon as the files have been sent.";
  });
  form.addEventListener("digits:file-failed", () => {
    waits = false;
    if (note) note.textContent = "";
  });
  form.addEventListener("digits:file", () => {
    if (!waits || busy().length) return;
    waits = false;
    if (note) note.textContent = "";
    /** @type {HTMLFormElement} */ (form).requestSubmit();
  });
}
