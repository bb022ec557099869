// @ts-check
/** One curve of several models over each other: which one, how smooth and along what is chosen, and remembered; models that run are followed. */

import { axis, colour, pale, redrawn, uPlot } from "./charts.js";
import { curvesOf, interpolate, lossRange, nearest, percentRange, places, scaled, smooth } from "./curvedata.js";
import { cursor, empty, evenly, SECONDS, shared, xValues } from "./curvedraw.js";
import { element, figure, plain } from "./numbers.js";

/**
 * @typedef {import("./curvedata.js").Curve} Curve
 * @typedef {{id: string, name: string, address: string, hue: number, dash: number, start: number, running: boolean}} Model
 */

const KEPT = "digits.compare";
const EVERY_MS = 2000;
const HEIGHT = 360;
const DASHES = [[], [8, 4], [2, 3]];

const panel = /** @type {HTMLElement} */ (document.getElementById("compare"));
const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (panel.querySelector(`[data-part="${name}"]`));
const control = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (panel.querySelector(`[name="${name}"]`));

/** @type {{curve: string, unit: import("./curvedata.js").Unit, smoothing: number, log: boolean}} */
const chosen = { curve: "", unit: "epoch", smoothing: 0.6, log: false, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };

/** @type {Map<string, {asked: string, tag: string, curve: Curve | null}>} what is known of each model's curve */
const known = new Map();
/** @type {Set<string>} ids of models that are not drawn */
const hidden = new Set();
/** @type {[number, number] | null} of the x axis, in its unit */
let zoom = null;
/** @type {number | null} */
let cursorAt = null;
let timer = 0;

/** @returns {Model[]} the rows of the table, in their order */
function models() {
  return [...document.querySelectorAll("#compared tr[data-id]")].map((row) => {
    const { id = "", name = "", metrics = "", hue, dash, started, running } = /** @type {HTMLElement} */ (row).dataset;
    return { id, name, address: metrics, hue: Number(hue), dash: Number(dash), start: Number(started), running: running !== undefined };
  });
}

/** The chosen curve, or the first of those there are. */
function curveName() {
  const options = [.../** @type {HTMLSelectElement} */ (panel.querySelector("#curve")).options].map((option) => option.value);
  return options.includes(chosen.curve) ? chosen.curve : options[0];
}

async function ask() {
  clearTimeout(timer);
  const rows = models();
  await Promise.all(rows.map(askOne));
  show();
  if (rows.some((model) => model.running)) timer = window.setTimeout(ask, document.hidden ? EVERY_MS * 4 : EVERY_MS);
}

/** @param {Model} model */
async function askOne(model) {
  const query = new URLSearchParams({ series: curveName(), points: String(Math.min(1000, Math.max(200, panel.clientWidth))) });
  const old = known.get(model.id);
  if (zoom) {
    const [from, to] = zoom.map((x) => toEpoch(model, old?.curve ?? null, x));
    query.set("from", String(from - (to - from) / 2));
    query.set("to", String(to + (to - from) / 2));
  }
  const asked = `${model.address}?${query}`;
  const same = old?.asked === asked;
  if (same && !model.running && old?.tag) return;
  try {
    const response = await fetch(asked, { headers: same && old?.tag ? { "If-None-Match": old.tag } : {}, cache: "no-store" });
    if (!response.ok) return;
    const curve = curvesOf((await response.json()).series)[0] ?? null;
    known.set(model.id, { asked, tag: response.headers.get("ETag") ?? "", curve });
  } catch {
    // The server is away for a moment: the next question will tell.
  }
}

/** An x of the axis as an epoch of this model's. @param {Model} model @param {Curve | null} curve @param {number} x */
function toEpoch(model, curve, x) {
  if (chosen.unit === "epoch" || !curve) return x;
  return interpolate(places(curve.buckets, chosen.unit, model.start), curve.buckets.epoch, x);
}

/** What is drawn: each model that has the curve, with its places and its line. */
function lines() {
  return models().flatMap((model) => {
    const curve = known.get(model.id)?.curve;
    if (!curve || !curve.buckets.epoch.length || curve.name !== curveName()) return [];
    const raw = scaled(curve, curve.buckets.last);
    return [{ model, curve, xs: places(curve.buckets, chosen.unit, model.start), raw, line: curve.split === "train" ? smooth(raw, chosen.smoothing) : raw }];
  });
}

function show() {
  const all = lines();
  const shown = all.filter((each) => !hidden.has(each.model.id));
  const select = /** @type {HTMLSelectElement} */ (panel.querySelector("#curve"));
  select.value = curveName();
  part("empty").hidden = all.length > 0;
  part("main").hidden = !all.length;
  part("whole").hidden = zoom === null;
  legend(all);
  if (all.length) draw(shown);
}

/** @param {ReturnType<typeof lines>} shown */
function draw(shown) {
  const box = part("main");
  const percent = shown[0]?.curve.kind === "accuracy";
  const log = chosen.log && !percent;
  const rate = shown[0]?.curve.kind === "lr";
  /** @type {uPlot.Series[]} */
  const series = [{}];
  /** @type {uPlot.AlignedData[]} */
  const tables = [];
  for (const { model, curve, xs, raw, line } of shown) {
    const stroke = colour(`s${model.hue}`);
    const add = (/** @type {(number | null)[]} */ ys, /** @type {Partial<uPlot.Series>} */ how) => {
      tables.push(/** @type {uPlot.AlignedData} */ ([xs, ys]));
      series.push({ scale: "y", spanGaps: true, points: { show: false }, ...how });
    };
    if (line !== raw) add(raw, { stroke: pale(stroke, 0.25), width: 1 });
    add(line, {
      stroke,
      width: 2,
      dash: DASHES[model.dash],
      points: { show: curve.split === "val" && xs.length <= 80, size: 5, fill: stroke, stroke, width: 0 },
      paths: rate ? uPlot.paths.stepped?.({ align: -1 }) : undefined,
    });
  }
  const values = shown.map((each) => each.line);
  const y = percent ? percentRange(values) : lossRange(values, log);
  const x = zoom ?? /** @type {[number, number]} */ ([0, Math.max(1e-9, ...shown.map((each) => each.xs[each.xs.length - 1]))]);
  new uPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: cursor("compare", hooks),
      scales: { x: { time: false, range: () => x }, y: { range: () => y, distr: log ? 3 : 1 } },
      axes: [
        axis({ size: 28, values: xValues(chosen.unit), space: 60, ...(chosen.unit === "time" ? { incrs: SECONDS } : {}) }),
        axis({ scale: "y", size: 60, values: (_, all) => (percent ? evenly(all).map((text) => `${text} %`) : log ? all.map((value) => (value === null ? "" : plain(value))) : evenly(all)) }),
      ],
      series,
      hooks: shared(hooks),
    },
    tables.length ? uPlot.join(tables) : /** @type {uPlot.AlignedData} */ ([[]]),
    empty(box),
  );
}

const hooks = {
  onCursor: (/** @type {number | null} */ x) => {
    cursorAt = x;
    legend(lines());
  },
  onZoom: (/** @type {number} */ from, /** @type {number} */ to) => {
    zoom = [from, to];
    ask();
  },
  onWhole: whole,
};

function whole() {
  zoom = null;
  ask();
}

/** Names and values above the plot: at the cursor, else the newest. @param {ReturnType<typeof lines>} all */
function legend(all) {
  const kept = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.model;
  const box = part("legend");
  box.replaceChildren(
    ...all.map(({ model, curve, xs, line }) => {
      const value = line[cursorAt === null ? xs.length - 1 : nearest(xs, cursorAt)] ?? null;
      const text = value === null ? "–" : curve.kind === "accuracy" ? `${value.toFixed(2)} %` : curve.kind === "lr" ? plain(value) : figure(value);
      const button = /** @type {HTMLButtonElement} */ (element("button", "", swatch(model), `${model.name} `, element("b", "", text)));
      button.type = "button";
      button.dataset.model = model.id;
      button.setAttribute("aria-pressed", String(!hidden.has(model.id)));
      return button;
    }),
  );
  if (kept) /** @type {HTMLElement | null} */ (box.querySelector(`[data-model="${CSS.escape(kept)}"]`))?.focus();
}

/** @param {Model} model */
function swatch(model) {
  return /** @type {Node} */ (document.querySelector(`#compared tr[data-id="${CSS.escape(model.id)}"] .key`)).cloneNode(true);
}

function showChosen() {
  control("smoothing").value = String(chosen.smoothing);
  part("smoothing-value").textContent = chosen.smoothing.toFixed(2);
  control("log").checked = chosen.log;
  for (const radio of panel.querySelectorAll('[name="x-unit"]')) {
    /** @type {HTMLInputElement} */ (radio).checked = /** @type {HTMLInputElement} */ (radio).value === chosen.unit;
  }
}

panel.addEventListener("input", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.name === "smoothing") chosen.smoothing = Number(input.value);
  else if (input.name === "log") chosen.log = input.checked;
  else if (input.name === "curve") chosen.curve = input.value;
  else if (input.name === "x-unit") {
    chosen.unit = /** @type {import("./curvedata.js").Unit} */ (input.value);
    zoom = null;
  } else return;
  localStorage.setItem(KEPT, JSON.stringify(chosen));
  showChosen();
  if (["curve", "x-unit"].includes(input.name)) ask();
  else show();
});

panel.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const id = button?.dataset.model;
  if (id) {
    hidden.has(id) ? hidden.delete(id) : hidden.add(id);
    show();
  }
  if (button?.dataset.part === "whole") whole();
});

showChosen();
redrawn(panel, () => known.size && show());
document.addEventListener("digits:live", () => ask());
document.addEventListener("visibilitychange", () => document.hidden || ask());
ask();
