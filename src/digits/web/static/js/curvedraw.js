// @ts-check
/** Draws the training curves with uPlot: loss left, accuracy right, the rate below; snapshots, the best, and the rest of the run. */

import { axis, colour, font, pale, uPlot } from "./charts.js";
import { lossRange, percentRange, places, scaled, smooth } from "./curvedata.js";
import { plain } from "./numbers.js";

const HEIGHT = 320;
const RATE_HEIGHT = 92;
const LEFT = 52;
const RIGHT = 56;
export const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800];

/**
 * @typedef {import("./curvedata.js").Curve} Curve
 * @typedef {import("./curvedata.js").Unit} Unit
 * @typedef {{x: number, best: boolean, name: string}} Mark a snapshot
 * @typedef {{curves: Curve[], unit: Unit, start: number, smoothing: number, log: boolean, hidden: Set<string>, range: [number, number],
 *   now: number | null, left: string, marks: Mark[], height?: number}} View
 * @typedef {{onCursor: (x: number | null) => void, onZoom: (from: number, to: number) => void, onWhole: () => void}} Hooks
 */

/** @param {HTMLElement} box @param {HTMLElement} rateBox @param {View} view @param {Hooks} hooks @returns {uPlot[]} */
export function draw(box, rateBox, view, hooks) {
  const sync = uPlot.sync("curves");
  const made = [drawMain(box, view, hooks, sync.key)];
  const rate = view.curves.filter((curve) => curve.kind === "lr");
  if (rate.length) made.push(drawRate(rateBox, rate[0], view, hooks, sync.key));
  else rateBox.replaceChildren();
  return made;
}

/** @param {HTMLElement} box @param {View} view @param {Hooks} hooks @param {string} key */
function drawMain(box, view, hooks, key) {
  const shown = view.curves.filter((curve) => curve.kind !== "lr" && !view.hidden.has(curve.name));
  /** @type {uPlot.Series[]} */
  const series = [{}];
  /** @type {uPlot.AlignedData[]} */
  const tables = [];
  /** @type {uPlot.Band[]} */
  const bands = [];
  /** @type {(number | null)[][]} */
  const losses = [];
  /** @type {(number | null)[][]} */
  const accuracies = [];
  for (const curve of shown) {
    const xs = places(curve.buckets, view.unit, view.start);
    const last = scaled(curve, curve.buckets.last);
    const train = curve.split === "train";
    const scale = curve.kind === "accuracy" ? "accuracy" : "loss";
    const stroke = colour(`s${curve.hue}`);
    const line = train ? smooth(last, view.smoothing) : last;
    const add = (/** @type {(number | null)[]} */ ys, /** @type {Partial<uPlot.Series>} */ how) => {
      tables.push(/** @type {uPlot.AlignedData} */ ([xs, ys]));
      series.push({ scale, spanGaps: true, points: { show: false }, ...how });
    };
    if (train && view.smoothing > 0) {
      const wide = curve.buckets.min.some((value, index) => value !== curve.buckets.max[index]);
      if (wide) {
        add(scaled(curve, curve.buckets.max), { stroke: "transparent", width: 0 });
        add(scaled(curve, curve.buckets.min), { stroke: "transparent", width: 0 });
        bands.push({ series: [series.length - 2, series.length - 1], fill: pale(stroke, 0.15) });
      }
      add(last, { stroke: pale(stroke, wide ? 0.2 : 0.35), width: 1 });
    }
    const few = xs.length <= 80;
    add(line, {
      stroke,
      width: train ? 1.25 : 2.5,
      points: { show: !train && (few || xs.length === 1), size: 5, fill: stroke, stroke, width: 0 },
    });
    (curve.kind === "accuracy" ? accuracies : losses).push(line);
  }
  const data = tables.length ? uPlot.join(tables) : /** @type {uPlot.AlignedData} */ ([[]]);
  const loss = lossRange(losses, view.log);
  const percent = percentRange(accuracies);
  return new uPlot(
    {
      width: box.clientWidth,
      height: view.height ?? HEIGHT,
      padding: [8, accuracies.length ? 0 : 16, 0, 0],
      legend: { show: false },
      cursor: cursor(key, hooks),
      scales: {
        x: { time: false, range: () => view.range },
        loss: { range: () => loss, distr: view.log ? 3 : 1 },
        accuracy: { range: () => percent },
      },
      axes: [
        axis({ size: 28, values: xValues(view.unit), space: 60, ...(view.unit === "time" ? { incrs: SECONDS } : {}) }),
        axis({ scale: "loss", size: LEFT, values: (_, values) => (view.log ? values.map((value) => (value === null ? "" : plain(value))) : evenly(values)) }),
        ...(accuracies.length
          ? [axis({ scale: "accuracy", side: 1, size: RIGHT, grid: { show: false }, values: (_, values) => values.map((value) => `${value} %`) })]
          : []),
      ],
      series,
      bands,
      hooks: { ...shared(hooks), drawClear: [(plot) => shade(plot, view)], draw: [(plot) => snapshots(plot, view), (plot) => timeLeft(plot, view)] },
    },
    data,
    empty(box),
  );
}

/** @param {HTMLElement} box @param {Curve} curve @param {View} view @param {Hooks} hooks @param {string} key */
function drawRate(box, curve, view, hooks, key) {
  const xs = places(curve.buckets, view.unit, view.start);
  const values = /** @type {number[]} */ (curve.buckets.last.filter((value) => value !== null && value > 0));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const log = low > 0 && high / low >= 8;
  const decades = log ? [Math.floor(Math.log10(low) - 0.25), Math.ceil(Math.log10(high) + 0.25)] : [0, 0];
  const range = /** @type {[number, number]} */ (log ? [low / 2.2, high * 1.8] : [0, (high || 1) * 1.2]);
  const stroke = colour("s3");
  return new uPlot(
    {
      width: box.clientWidth,
      height: RATE_HEIGHT,
      padding: [6, view.curves.some((each) => each.kind === "accuracy") ? RIGHT : 16, 0, 0],
      legend: { show: false },
      cursor: cursor(key, hooks),
      scales: { x: { time: false, range: () => view.range }, rate: { range: () => range, distr: log ? 3 : 1 } },
      axes: [
        axis({ size: 28, values: xValues(view.unit), space: 60, ...(view.unit === "time" ? { incrs: SECONDS } : {}) }),
        axis({
          scale: "rate",
          size: LEFT,
          splits: log
            ? () => Array.from({ length: decades[1] - decades[0] + 1 }, (_, index) => 10 ** (decades[0] + index)).filter((value) => value >= range[0] && value <= range[1])
            : undefined,
          space: 24,
          values: (_, all) => all.map((value) => (value === null ? "" : plain(value))),
        }),
      ],
      series: [{}, { scale: "rate", stroke, width: 2, spanGaps: true, points: { show: false }, paths: uPlot.paths.stepped?.({ align: -1 }) }],
      hooks: { ...shared(hooks), drawClear: [(plot) => shade(plot, view)] },
    },
    /** @type {uPlot.AlignedData} */ ([xs, curve.buckets.last]),
    empty(box),
  );
}

/** @param {HTMLElement} box */
export function empty(box) {
  box.replaceChildren();
  return box;
}

/** Numbers of an axis with as many decimals as their step needs. @param {number[]} values */
export function evenly(values) {
  const step = values.length > 1 ? values[1] - values[0] : 1;
  let decimals = 0;
  while (decimals < 6 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals += 1;
  return values.map((value) => value.toFixed(decimals));
}

/** @param {Unit} unit */
export function xValues(unit) {
  return (/** @type {uPlot} */ _, /** @type {number[]} */ values) =>
    values.map((value) => (unit === "time" ? clock(value) : unit === "step" ? value.toLocaleString("en-US") : plain(value)));
}

/** Seconds as an axis shows them. @param {number} seconds */
export function clock(seconds) {
  if (seconds >= 3600) return `${plain(seconds / 3600)}h`;
  return seconds >= 60 ? `${plain(Math.round((seconds / 60) * 100) / 100)}m` : `${plain(seconds)}s`;
}

/** @param {string} key @param {Hooks} hooks @returns {uPlot.Cursor} */
export function cursor(key, hooks) {
  return {
    y: false,
    sync: { key },
    points: { show: false },
    drag: { x: true, y: false, setScale: false },
    bind: { dblclick: () => () => (hooks.onWhole(), null) },
  };
}

/** @param {Hooks} hooks @returns {uPlot.Hooks.Arrays} */
export function shared(hooks) {
  return {
    setCursor: [(plot) => hooks.onCursor(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : null)],
    setSelect: [
      (plot) => {
        const { left, width } = plot.select;
        if (width < 4) return;
        const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        hooks.onZoom(from, to);
      },
    ],
  };
}

/** Where the rest of the run lies, in canvas pixels: its left edge and its width, 0 where there is none. @param {uPlot} plot @param {View} view */
function rest(plot, view) {
  if (view.now === null || view.now >= view.range[1]) return { from: 0, width: 0 };
  const from = Math.max(plot.bbox.left, plot.valToPos(view.now, "x", true));
  return { from, width: Math.max(0, plot.bbox.left + plot.bbox.width - from) };
}

/** The rest of the run is shaded. @param {uPlot} plot @param {View} view */
function shade(plot, view) {
  const { from, width } = rest(plot, view);
  plot.ctx.save();
  plot.ctx.fillStyle = colour("inset");
  plot.ctx.globalAlpha = 0.7;
  plot.ctx.fillRect(from, plot.bbox.top, width, plot.bbox.height);
  plot.ctx.restore();
}

/** The rest of the run holds the time left. @param {uPlot} plot @param {View} view */
function timeLeft(plot, view) {
  const { from, width } = rest(plot, view);
  if (!view.left || width < 72 * devicePixelRatio) return;
  plot.ctx.save();
  plot.ctx.fillStyle = colour("muted");
  plot.ctx.font = scaledFont();
  plot.ctx.textAlign = "center";
  plot.ctx.fillText(`${view.left} left`, from + width / 2, plot.bbox.top + plot.bbox.height / 2 - 6 * devicePixelRatio);
  plot.ctx.restore();
}

function scaledFont() {
  return font().replace("12px", `${12 * devicePixelRatio}px`);
}

/** Snapshots are ticks on the axis, the best one a green line. @param {uPlot} plot @param {View} view */
function snapshots(plot, view) {
  const { ctx, bbox } = plot;
  const bottom = bbox.top + bbox.height;
  const ratio = devicePixelRatio;
  ctx.save();
  for (const mark of view.marks) {
    if (mark.x < view.range[0] || mark.x > view.range[1]) continue;
    const x = Math.round(plot.valToPos(mark.x, "x", true));
    ctx.strokeStyle = mark.best ? colour("done") : colour("text");
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, bottom);
    ctx.lineTo(x, bottom - 6 * ratio);
    ctx.stroke();
    if (!mark.best) continue;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.lineWidth = ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + 18 * ratio);
    ctx.lineTo(x, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = scaledFont();
    const words = `Best, epoch ${mark.name}`;
    const half = ctx.measureText(words).width / 2;
    ctx.textAlign = "center";
    const place = Math.min(Math.max(x, bbox.left + half), bbox.left + bbox.width - half);
    ctx.strokeStyle = colour("surface");
    ctx.lineWidth = 4 * ratio;
    ctx.strokeText(words, place, bbox.top + 12 * ratio);
    ctx.fillStyle = colour("done");
    ctx.fillText(words, place, bbox.top + 12 * ratio);
  }
  ctx.restore();
}
