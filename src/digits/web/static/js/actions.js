// @ts-check
/** What the buttons of a job do: abort, resume, delete, rename, notes. A button says what it is about in its data attributes. */

import { ask } from "./ask.js";
import { send } from "./http.js";
import { refresh } from "./live.js";
import { toast, toastLater } from "./toast.js";

/** @type {Record<string, (button: HTMLElement) => void>} */
const ACTIONS = {
  abort(button) {
    const { url = "", name = "" } = button.dataset;
    ask({
      title: `Abort ${name}?`,
      text: "It stops in good order. What it has made so far stays usable.",
      yes: "Abort",
      danger: true,
      act: async () => {
        await send("POST", url);
        toast(`${name} is asked to stop`);
        await refresh();
      },
    });
  },

  resume(button) {
    const { url = "", name = "", question = "", text = "", yes = "Resume", epochs } = button.dataset;
    ask({
      title: question,
      text,
      yes,
      label: epochs === undefined ? undefined : "Training epochs in all",
      value: epochs,
      act: async (value) => {
        await send("POST", url, value ? { train_epochs: value } : {});
        toastLater(`${name} goes on`);
        location.reload();
      },
    });
  },

  async first(button) {
    const { url = "", name = "", priority = "" } = button.dataset;
    try {
      await send("POST", url, { priority });
      toast(`${name} starts next`);
      await refresh();
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
    }
  },

  delete(button) {
    const { url = "", name = "", next = "/" } = button.dataset;
    ask({
      title: `Delete ${name}?`,
      text: "The job and all its files go for good.",
      yes: "Delete",
      danger: true,
      act: async () => {
        await send("DELETE", url);
        toastLater(`${name} is deleted`);
        location.assign(next);
      },
    });
  },

  deleteSnapshot(button) {
    const { url = "", epoch = "" } = button.dataset;
    ask({
      title: `Delete the snapshot of epoch ${epoch}?`,
      text: "Its weights go for good. The training can go on from the two newest snapshots alone.",
      yes: "Delete",
      danger: true,
      act: async () => {
        await send("DELETE", url);
        toastLater(`The snapshot of epoch ${epoch} is deleted`);
        location.reload();
      },
    });
  },

  rename(button) {
    const { url = "", name = "" } = button.dataset;
    ask({
      title: "Rename",
      yes: "Rename",
      label: "Name",
      value: name,
      act: async (value) => {
        await send("PUT", url, { job_name: value });
        location.reload();
      },
    });
  },
};

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-action]");
  if (!(button instanceof HTMLElement)) return;
  ACTIONS[button.dataset.action ?? ""]?.(button);
});

// Notes are edited where they stand.
document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.notes === undefined) return;
  event.preventDefault();
  const problem = /** @type {HTMLElement} */ (form.querySelector(".problem"));
  try {
    await send("PUT", form.dataset.notes, { job_notes: String(new FormData(form).get("job_notes") ?? "") });
    location.reload();
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
  }
});
