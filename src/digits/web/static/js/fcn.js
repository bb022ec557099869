// @ts-check
/** The page of a classifier made fully convolutional: its definition goes along to the form of a model. */

import { handOver } from "./handover.js";

const area = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("fcn-text"));

document.getElementById("open-fcn")?.addEventListener("click", () => {
  if (!area) return;
  const { title = "", framework = "", weights = "" } = area.dataset;
  handOver({ text: area.value, title, framework, weights });
});
