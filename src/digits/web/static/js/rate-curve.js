// @ts-check
/** The curve of the learning rate over the training, drawn as one types. */

import { axis, colour, pale, redrawn, uPlot } from "./charts.js";
import { Refused, url } from "./http.js";
import { counted, plain, settled } from "./numbers.js";

const SHOWN_STEPS = 5;

/** @param {HTMLFormElement} form */
export function followRate(form) {
  const box = /** @type {HTMLElement} */ (document.getElementById("rate-chart"));
  const words = /** @type {HTMLElement} */ (document.getElementById("rate-words"));
  const fixed = /** @type {HTMLElement} */ (document.getElementById("rate-fixed"));
  /** @type {number[][]} */
  let curves = [];
  let asked = 0;

  const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? "");
  const epochs = () => Math.max(1, Number(value("train_epochs")) || 1);

  async function ask() {
    const mine = ++asked;
    const fields = new URLSearchParams();
    for (const [name, text] of new FormData(form)) {
      if (typeof text === "string" && (name === "learning_rate" || name.startsWith("lr_"))) fields.append(name, text);
    }
    try {
      const response = await fetch(url("/models/visualize-lr"), { method: "POST", body: fields, headers: { Accept: "application/json" } });
      const text = await response.text();
      if (mine !== asked) return;
      if (!response.ok) throw new Refused(JSON.parse(text).error?.description ?? "The curve cannot be drawn.", response.status);
      curves = JSON.parse(text).data.columns.map((/** @type {[string, ...number[]]} */ column) => column.slice(1));
      show();
    } catch (error) {
      if (mine === asked) words.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  function show() {
    if (!curves.length || !box.clientWidth) return;
    const total = epochs();
    const xs = curves[0].map((_, index) => (index / (curves[0].length - 1)) * total);
    const high = Math.max(...curves.flat());
    const stepped = curves.every((curve) => new Set(curve).size <= 12);
    box.replaceChildren();
    new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight || 168,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [0, total] }, y: { range: [0, high * 1.05 || 1] } },
        axes: [axis({ size: 28, space: 48 }), axis({ size: 48, space: 40, values: (_, values) => values.map((each) => plain(each)) })],
        series: [
          {},
          ...curves.map((_, index) => {
            const stroke = colour(`s${index === 0 ? 3 : (index % 8) + 1}`);
            return { stroke, width: 2, fill: curves.length === 1 ? pale(stroke, 0.1) : undefined, points: { show: false }, paths: stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined };
          }),
        ],
      },
      /** @type {uPlot.AlignedData} */ ([xs, ...curves]),
      box,
    );
    words.textContent = describe(curves[0], total) + (curves.length > 1 ? ` The first of ${counted(curves.length, "rate")}.` : "");
    const solver = value("solver_type");
    const momentum = ["SGD", "NESTEROV", "MOMENTUM"].includes(solver) ? "momentum 0.9" : "";
    const own = /** @type {HTMLInputElement | null} */ (form.querySelector("[name=framework]:checked"))?.dataset.decay;
    const decay = own ? Number(own) : (Number(value("learning_rate").split(",")[0]) || 0) / 100;
    const set = [momentum, decay ? `weight decay ${plain(decay)}` : ""].filter(Boolean);
    fixed.textContent = set.length ? `Set by the framework: ${set.join(", ")}.` : "";
  }

  const soon = settled(ask, 250);
  form.addEventListener("input", (event) => {
    const name = /** @type {HTMLInputElement} */ (event.target).name ?? "";
    if (name === "learning_rate" || name.startsWith("lr_")) soon();
    else if (["train_epochs", "solver_type", "framework"].includes(name)) show();
  });
  redrawn(box, show);
  ask();
}

/** The rate in words: each step, or its start and end. @param {number[]} curve @param {number} total */
function describe(curve, total) {
  const at = (/** @type {number} */ index) => plain(Math.round((index / (curve.length - 1)) * total * 10) / 10);
  const steps = curve.flatMap((rate, index) => (index === 0 || rate !== curve[index - 1] ? [{ rate, index }] : []));
  if (steps.length === 1) return `${plain(curve[0])} from beginning to end.`;
  if (steps.length <= SHOWN_STEPS) return steps.map(({ rate, index }, number) => `${number ? "epoch" : "Epoch"} ${at(index)}: ${plain(rate)}`).join(", ") + ".";
  return `From ${plain(Number(curve[0].toPrecision(3)))} to ${plain(Number((curve.at(-1) ?? 0).toPrecision(3)))}, halfway ${plain(Number(curve[Math.floor(curve.length / 2)].toPrecision(3)))}.`;
}
