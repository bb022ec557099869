// @ts-check
/**
 * Curves as the server sends them, made ready to draw.
 *
 * A series comes as buckets: `{epoch: [], step: [], time: [], min: [], max: [], last: []}`, null where a value is not finite.
 * @typedef {{epoch: number[], step: number[], time?: number[], min: (number | null)[], max: (number | null)[], last: (number | null)[]}} Buckets
 * @typedef {{name: string, output: string, split: string, kind: "loss" | "accuracy" | "lr", hue: number, buckets: Buckets}} Curve
 * @typedef {"epoch" | "step" | "time"} Unit
 */

const LOSS_HUES = [2, 4, 5, 7, 8];
const ACCURACY_HUES = [1, 6, 3];

/** The curves in a fixed order, each output with a hue of its own. @param {Record<string, Buckets>} series @returns {Curve[]} */
export function curvesOf(series) {
  /** @type {Map<string, number>} */
  const hues = new Map();
  const next = { loss: 0, accuracy: 0, lr: 0 };
  const rank = (/** @type {string} */ name) => (name === "lr" ? 3 : isAccuracy(name) ? 2 : name.endsWith("/train") ? 0 : 1);
  return Object.keys(series)
    .sort((a, b) => rank(a) - rank(b) || mainFirst(a) - mainFirst(b) || a.localeCompare(b))
    .map((name) => {
      const kind = name === "lr" ? "lr" : isAccuracy(name) ? "accuracy" : "loss";
      const at = name.lastIndexOf("/");
      const output = at < 0 ? name : name.slice(0, at);
      if (!hues.has(output)) {
        const list = kind === "accuracy" ? ACCURACY_HUES : LOSS_HUES;
        hues.set(output, kind === "lr" ? 3 : list[next[kind]++ % list.length]);
      }
      return { name, output, split: at < 0 ? "" : name.slice(at + 1), kind, hue: hues.get(output) ?? 8, buckets: series[name] };
    });
}

/** @param {string} name */
const mainFirst = (name) => (/^(loss|accuracy)\//.test(name) ? 0 : isOfClass(name) ? 2 : 1);

/** @param {string} name */
export function isAccuracy(name) {
  return /accuracy|^mean_(iou|recall)$|^map50(_95)?$|^(iou|recall|ap50)\//i.test(name.slice(0, name.lastIndexOf("/")));
}

/** Whether a curve is of one class by itself: "iou/Road/val". There are many, and a table tells them. @param {string} name */
export function isOfClass(name) {
  return /^(iou|recall|ap50)\/.+\/val$/.test(name);
}

/** Where the buckets lie on the x axis. @param {Buckets} buckets @param {Unit} unit @param {number} start Unix seconds @returns {number[]} */
export function places(buckets, unit, start) {
  if (unit === "step") return buckets.step;
  if (unit === "time" && buckets.time) return buckets.time.map((time) => time - start);
  return buckets.epoch;
}

/** @param {Curve} curve @param {(number | null)[]} values accuracies become percent */
export function scaled(curve, values) {
  return curve.kind === "accuracy" ? values.map((value) => (value === null ? null : value * 100)) : values;
}

/**
 * Exponential smoothing without its usual bias towards the first value.
 * @param {(number | null)[]} values
 * @param {number} weight 0 leaves them as they are; towards 1 they are smoothed more
 */
export function smooth(values, weight) {
  if (weight <= 0) return values;
  let sum = 0;
  let norm = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + value * (1 - weight);
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}

/** @param {(number | null)[][]} lists @returns {number[]} */
function finite(lists) {
  return /** @type {number[]} */ (lists.flat().filter((value) => value !== null));
}

/**
 * The range of the loss: from 0, and so that a high start does not flatten all that follows.
 * @param {(number | null)[][]} lists @param {boolean} log @returns {[number, number]}
 */
export function lossRange(lists, log) {
  const values = finite(lists).sort((a, b) => a - b);
  if (!values.length) return log ? [0.01, 1] : [0, 1];
  const high = values[values.length - 1];
  if (log) {
    const low = values.find((value) => value > 0) ?? high / 10;
    return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(Math.max(high, low * 1.01)))];
  }
  const usual = values.length >= 12 ? values[Math.floor(values.length * 0.92)] * 1.6 : high * 1.05;
  return [Math.min(0, values[0] * 1.05), Math.min(high * 1.05, Math.max(usual, 1e-6)) || 1];
}

/** The range of percentages: whole tens. @param {(number | null)[][]} lists @returns {[number, number]} */
export function percentRange(lists) {
  const values = finite(lists).sort((a, b) => a - b);
  if (!values.length) return [0, 100];
  // The first values, before anything is learned, may lie below the picture.
  const usual = values[values.length >= 4 ? Math.ceil(values.length * 0.12) : 0];
  const low = Math.min(90, Math.max(0, Math.floor((usual - 2) / 10) * 10));
  const high = values[values.length - 1];
  // A little room above 100 %, so that a line there is seen whole.
  return [low, high > 80 ? 100 + (100 - low) * 0.025 : Math.max(low + 10, Math.ceil((high + 2) / 10) * 10)];
}

/** The index of the place nearest to x, -1 for none. @param {number[]} xs sorted @param {number} x */
export function nearest(xs, x) {
  if (!xs.length) return -1;
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
}

/** Read y at x from a curve by its places. @param {number[]} xs @param {number[]} ys @param {number} x */
export function interpolate(xs, ys, x) {
  if (!xs.length) return x;
  let index = xs.findIndex((each) => each >= x);
  if (index < 0) index = xs.length - 1;
  const before = Math.max(0, index - 1);
  const span = xs[index] - xs[before];
  return span > 0 ? ys[before] + ((x - xs[before]) / span) * (ys[index] - ys[before]) : ys[index];
}
