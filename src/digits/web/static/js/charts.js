// @ts-check
/** What all charts share: colours and type from the style sheet, axes as every chart has them. */

import uPlot from "../vendor/uplot/uPlot.esm.js";

export { uPlot };

/** @param {string} name of a token: "s1", "muted" */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** A colour with some of it see-through. @param {string} hex @param {number} alpha */
export function pale(hex, alpha) {
  return hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

export function font() {
  return `12px ${getComputedStyle(document.body).fontFamily}`;
}

/**
 * An axis: grid of 1 px, muted numbers, no ticks.
 * @param {Partial<uPlot.Axis>} [more]
 */
export function axis(more = {}) {
  return {
    stroke: colour("muted"),
    font: font(),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    border: { show: false },
    ...more,
  };
}

/** Call `draw` again when the theme changes or the box gets another width. @param {HTMLElement} box @param {() => void} draw */
export function redrawn(box, draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width || box.clientWidth === 0) return;
    width = box.clientWidth;
    draw();
  }).observe(box);
}
