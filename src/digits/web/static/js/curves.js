// @ts-check
/**
 * The training curves: asks for at most as many points as the screen is wide, again when a part is dragged, and follows the
 * training with ETags while it runs. What the reader chose is remembered.
 */

import { colour, redrawn } from "./charts.js";
import { curvesOf, interpolate, isOfClass, nearest, places, scaled, smooth } from "./curvedata.js";
import { draw } from "./curvedraw.js";
import { brief } from "./live.js";
import { element, figure, plain } from "./numbers.js";

const KEPT = "digits.curves";
const EVERY_MS = 1500;

const panel = /** @type {HTMLElement} */ (document.getElementById("curves"));
const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (panel.querySelector(`[data-part="${name}"]`));
const control = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (panel.querySelector(`[name="${name}"]`));

/** @type {{unit: import("./curvedata.js").Unit, smoothing: number, log: boolean, hidden: string[], shown: string[]}} */
const chosen = { unit: "epoch", smoothing: 0.6, log: false, hidden: [], shown: [], ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };

/** @type {import("./curvedata.js").Curve[]} */
let curves = [];
/** @type {{from: number, to: number} | null} in epochs */
let zoom = null;
/** @type {number | null} */
let cursorAt = null;
let tag = "";
let asked = "";
let timer = 0;

// ---------------------------------------------------------------- asking

async function ask() {
  clearTimeout(timer);
  const query = new URLSearchParams({ points: panel.dataset.points ?? String(Math.min(2000, Math.max(200, panel.clientWidth))) });
  if (zoom) {
    // Somewhat more than is seen, so that lines run on to the edges.
    const beside = (zoom.to - zoom.from) / 2;
    query.set("from", String(zoom.from - beside));
    query.set("to", String(zoom.to + beside));
  }
  const address = `${panel.dataset.metrics}?${query}`;
  if (address !== asked) tag = "";
  asked = address;
  try {
    const response = await fetch(address, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (address === asked && response.ok) {
      tag = response.headers.get("ETag") ?? "";
      curves = curvesOf((await response.json()).series);
      show();
    }
  } catch {
    // The server is away for a moment: the next question will tell.
  }
  if (running()) timer = window.setTimeout(ask, document.hidden ? EVERY_MS * 4 : EVERY_MS);
}

/** The live page says so. */
function running() {
  return document.querySelector("#run-state")?.getAttribute("data-running") === "true";
}

function run() {
  const state = /** @type {HTMLElement | null} */ (document.querySelector("#run-state"));
  const data = state?.dataset ?? {};
  return {
    total: Number(data.epochs ?? panel.dataset.epochs) || 1,
    stepsPerEpoch: Number(data.stepsPerEpoch) || 0,
    start: Number(data.started) || 0,
    left: data.left ? Number(data.left) : null,
    elapsed: Number(data.elapsedS) || 0,
  };
}

// ---------------------------------------------------------------- drawing

/** The curve whose points are closest together tells how units translate. */
function ruler() {
  return curves.reduce((/** @type {import("./curvedata.js").Curve | null} */ best, curve) => (!best || curve.buckets.epoch.length > best.buckets.epoch.length ? curve : best), null);
}

/** An epoch in the unit of the x axis. @param {number} epoch */
function fromEpoch(epoch) {
  const { stepsPerEpoch, start } = run();
  if (chosen.unit === "epoch") return epoch;
  if (chosen.unit === "step" && stepsPerEpoch) return epoch * stepsPerEpoch;
  const buckets = ruler()?.buckets;
  return buckets ? interpolate(buckets.epoch, places(buckets, chosen.unit, start), epoch) : epoch;
}

/** @param {number} x */
function toEpoch(x) {
  const { stepsPerEpoch, start } = run();
  if (chosen.unit === "epoch") return x;
  if (chosen.unit === "step" && stepsPerEpoch) return x / stepsPerEpoch;
  const buckets = ruler()?.buckets;
  return buckets ? interpolate(places(buckets, chosen.unit, start), buckets.epoch, x) : x;
}

/** @returns {[number, number]} */
function range() {
  const { total, left, elapsed } = run();
  if (zoom) return [fromEpoch(zoom.from), fromEpoch(zoom.to)];
  if (chosen.unit === "time") return [0, Math.max(1, running() && left !== null ? elapsed + left : fromEpoch(lastEpoch()))];
  return [0, fromEpoch(running() ? total : Math.max(lastEpoch(), running() ? total : 0) || total)];
}

function lastEpoch() {
  return Math.max(0, ...curves.map((curve) => curve.buckets.epoch.at(-1) ?? 0));
}

function marks() {
  return [...document.querySelectorAll("#snapshots [data-epoch]")].map((row) => {
    const { epoch = "0", best } = /** @type {HTMLElement} */ (row).dataset;
    return { x: fromEpoch(Number(epoch)), best: best !== undefined, name: epoch };
  });
}

function show() {
  const some = curves.some((curve) => curve.buckets.epoch.length);
  part("empty").hidden = some;
  part("plots").hidden = !some;
  if (!some) return;
  const { start, left } = run();
  const rate = curves.some((curve) => curve.kind === "lr");
  part("rate-head").hidden = !rate;
  part("accuracy-name").hidden = !curves.some((curve) => curve.kind === "accuracy");
  draw(
    part("main"),
    part("rate"),
    {
      curves,
      unit: chosen.unit,
      start,
      smoothing: chosen.smoothing,
      log: chosen.log,
      hidden: new Set(curves.map((curve) => curve.name).filter(isHidden)),
      range: range(),
      now: running() && !zoom ? fromEpoch(lastEpoch()) : null,
      left: left === null ? "" : brief(left),
      marks: marks(),
      height: Number(panel.dataset.height) || undefined,
    },
    {
      onCursor: (x) => {
        cursorAt = x;
        legend();
      },
      onZoom: (from, to) => {
        zoom = { from: toEpoch(from), to: toEpoch(to) };
        ask();
      },
      onWhole: () => {
        zoom = null;
        ask();
      },
    },
  );
  legend();
  part("whole").hidden = zoom === null;
}

/** Names and values above the plot: at the cursor, else the newest. */
function legend() {
  const { start } = run();
  const box = part("legend");
  const items = [];
  for (const curve of curves) {
    const xs = places(curve.buckets, chosen.unit, start);
    const at = cursorAt === null ? xs.length - 1 : nearest(xs, cursorAt);
    const line = curve.split === "train" ? smooth(scaled(curve, curve.buckets.last), chosen.smoothing) : scaled(curve, curve.buckets.last);
    const value = at < 0 ? null : line[at];
    const text = curve.kind === "accuracy" ? (value === null ? "–" : `${value.toFixed(2)} %`) : curve.kind === "lr" ? (value === null ? "–" : plain(value)) : figure(value);
    if (curve.kind === "lr") {
      part("rate-value").textContent = text;
      continue;
    }
    const button = /** @type {HTMLButtonElement} */ (element("button", "", swatch(curve), `${curve.output} (${curve.split}) `, element("b", "", text)));
    button.type = "button";
    button.dataset.curve = curve.name;
    button.setAttribute("aria-pressed", String(!isHidden(curve.name)));
    items.push(button);
  }
  if (cursorAt !== null) items.push(element("span", "at", where(cursorAt)));
  const kept = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.curve;
  box.replaceChildren(...items);
  if (kept) /** @type {HTMLElement | null} */ (box.querySelector(`[data-curve="${CSS.escape(kept)}"]`))?.focus();
}

/** @param {number} x */
function where(x) {
  const epoch = toEpoch(x);
  const { stepsPerEpoch } = run();
  const step = stepsPerEpoch ? `, step ${Math.round(epoch * stepsPerEpoch).toLocaleString("en-US")}` : "";
  return `at epoch ${epoch.toFixed(epoch < 10 ? 2 : 1)}${step}`;
}

/** @param {import("./curvedata.js").Curve} curve */
function swatch(curve) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(svg.namespaceURI, "rect");
  const thick = curve.split === "train" ? 1.5 : 3;
  rect.setAttribute("width", "16");
  rect.setAttribute("height", String(thick));
  rect.setAttribute("y", String((4 - thick) / 2));
  rect.setAttribute("fill", colour(`s${curve.hue}`));
  svg.append(rect);
  return svg;
}

// ---------------------------------------------------------------- what the reader chooses

/** Curves of single classes are hidden unless they are asked for, others shown unless they are not wanted. @param {string} name */
function isHidden(name) {
  return isOfClass(name) ? !chosen.shown.includes(name) : chosen.hidden.includes(name);
}

function keep() {
  localStorage.setItem(KEPT, JSON.stringify(chosen));
  show();
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
  else if (input.name === "x-unit") chosen.unit = /** @type {import("./curvedata.js").Unit} */ (input.value);
  else return;
  showChosen();
  keep();
});

panel.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const name = button?.dataset.curve;
  if (name) {
    const list = isOfClass(name) ? "shown" : "hidden";
    chosen[list] = chosen[list].includes(name) ? chosen[list].filter((each) => each !== name) : [...chosen[list], name];
    keep();
  }
  if (button?.dataset.part === "whole") {
    zoom = null;
    ask();
  }
});

showChosen();
redrawn(panel, () => curves.length && show());
document.addEventListener("digits:live", () => {
  show();
  if (running()) return;
  ask();
});
document.addEventListener("visibilitychange", () => document.hidden || ask());
ask();
