// @ts-check
/** The question before something is gone, or a name is changed; the server's refusal stands in the dialog. */

import { Refused } from "./http.js";

/**
 * Open the dialog; `act` runs when the answer is yes (`say` tells how far it is), and the dialog stays open with words when it fails.
 * @param {{title: string, text?: string, yes: string, danger?: boolean, label?: string, value?: string,
 *          act: (value: string, say: (text: string) => void) => Promise<void>}} question
 */
export function ask(question) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("ask"));
  const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (dialog.querySelector("#ask-" + id));
  const yes = /** @type {HTMLButtonElement} */ (part("yes"));
  const input = /** @type {HTMLInputElement} */ (part("value"));
  part("title").textContent = question.title;
  part("text").textContent = question.text ?? "";
  part("field").hidden = question.label === undefined;
  /** @type {HTMLElement} */ (part("field").querySelector("label")).textContent = question.label ?? "";
  input.value = question.value ?? "";
  part("problem").hidden = true;
  yes.textContent = question.yes;
  yes.className = question.danger ? "danger" : "primary";
  yes.disabled = false;
  yes.onclick = async (event) => {
    event.preventDefault();
    yes.disabled = true;
    try {
      await question.act(input.value, (text) => (part("text").textContent = text));
      dialog.close();
    } catch (error) {
      part("problem").textContent = error instanceof Refused ? error.message : String(error);
      part("problem").hidden = false;
      yes.disabled = false;
    }
  };
  dialog.onkeydown = (event) => {
    if (event.key === "Enter" && event.target === input) yes.click();
    if (event.key === "Enter" && event.target === input) event.preventDefault();
  };
  dialog.showModal();
  (question.label === undefined ? yes : input).focus();
  if (question.label !== undefined) input.select();
}
