// @ts-check
/** Numbers and sizes as the pages write them. */

/** @param {number} value */
export const commas = (value) => Math.round(value).toLocaleString("en-US");

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = one + "s") => `${commas(count)} ${count === 1 ? one : many}`;

/** Bytes in decimal units: "281 B", "17.9 MB". @param {number} bytes */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 999.5 && at < units.length - 1) {
    bytes /= 1000;
    at += 1;
  }
  const digits = at === 0 || bytes >= 99.95 || (at === 1 && bytes >= 9.95) ? 0 : 1;
  return `${bytes.toFixed(digits).replace(/\.0$/, "")} ${units[at]}`;
}

/** A loss or a rate in four places. @param {number | null | undefined} value */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) return value.toExponential(2).replace("e+", "e").replace("-", "−");
  return value.toFixed(4).replace("-", "−");
}

/** A number as short as it can be said: 0.01, 0.001, 1e-7. @param {number} value */
export function plain(value) {
  return String(Number(value.toPrecision(6)));
}

/** An element with a class and children. @param {string} tag @param {string} css @param {...(Node | string)} children */
export function element(tag, css, ...children) {
  const made = document.createElement(tag);
  if (css) made.className = css;
  made.append(...children);
  return made;
}

/** A share as a bar. @param {number} share 0..1 */
export function bar(share) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "share");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(svg.namespaceURI, "rect");
  rect.setAttribute("width", `${(share * 100).toFixed(2)}%`);
  rect.setAttribute("height", "100%");
  rect.setAttribute("rx", "2");
  svg.append(rect);
  return svg;
}

/** Name and value of a list of facts. @param {string} name @param {...(Node | string)} value */
export function fact(name, ...value) {
  return element("div", "", element("dt", "", name), element("dd", "", ...value));
}

/** Call a function only when it has not been called for a while. @param {() => void} call @param {number} ms */
export function settled(call, ms) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(call, ms);
  };
}

/** "about 40 s": one figure, as a guess deserves. @param {number} seconds */
export function about(seconds) {
  const units = /** @type {[string, number][]} */ ([["days", 86_400], ["h", 3600], ["min", 60], ["s", 1]]);
  const [unit, length] = units.find(([, each]) => seconds >= 1.5 * each) ?? ["s", 1];
  const count = Math.max(1, Number((seconds / length).toPrecision(1)));
  return `about ${commas(count)} ${unit}`;
}

/** 2.29 M, 727 M, 1.58 G. @param {number} count */
export function short(count) {
  for (const [unit, power] of /** @type {[string, number][]} */ ([["G", 1e9], ["M", 1e6], ["k", 1e3]])) {
    if (count >= power) return `${(count / power).toPrecision(3)} ${unit}`;
  }
  return commas(count);
}
