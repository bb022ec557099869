// @ts-check
/**
 * Parts of a page that follow the server: while `[data-live-every]` is on the page, the page's own address is asked again with
 * its ETag, and each `[data-live]` element that differs is replaced. 304 means that nothing has changed. A page whose
 * job is over comes without `data-live-every`, and the asking ends.
 */

const SLOWEST_MS = 15_000;

let tag = "";
let asked = "";
let timer = 0;
let failures = 0;

/** Ask once now, and go on if the page is live. */
export async function refresh() {
  clearTimeout(timer);
  const every = interval();
  if (every === null) return;
  if (!document.hidden) await ask();
  const next = interval();
  if (next !== null) timer = window.setTimeout(refresh, Math.min(SLOWEST_MS, next * 2 ** failures));
}

/** @returns {number | null} */
function interval() {
  const live = /** @type {HTMLElement | null} */ (document.querySelector("[data-live-every]"));
  return live ? Number(live.dataset.liveEvery) : null;
}

async function ask() {
  const address = location.pathname + location.search;
  if (address !== asked) tag = "";
  asked = address;
  try {
    const response = await fetch(address, {
      headers: tag ? { "If-None-Match": tag, Accept: "text/html" } : { Accept: "text/html" },
      cache: "no-store",
    });
    failures = 0;
    if (response.status === 304 || address !== location.pathname + location.search) return;
    if (!response.ok) {
      if (response.status === 404) location.reload();
      return;
    }
    tag = response.headers.get("ETag") ?? "";
    merge(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    failures = Math.min(failures + 1, 4);
  }
}

/** Put the live parts of a newer copy of this page in the place of ours. @param {Document} newer */
function merge(newer) {
  let changed = false;
  for (const ours of document.querySelectorAll("[data-live]")) {
    const theirs = newer.getElementById(ours.id);
    if (theirs === null) {
      ours.remove();
      changed = true;
    } else if (shape(ours) !== theirs.outerHTML) {
      replace(ours, theirs);
      changed = true;
    }
  }
  changed = addMissing(newer) || changed;
  const live = document.querySelector("[data-live-every]");
  const every = newer.querySelector("[data-live-every]")?.getAttribute("data-live-every");
  if (live && every) live.setAttribute("data-live-every", every);
  else live?.removeAttribute("data-live-every");
  if (changed) document.dispatchEvent(new CustomEvent("digits:live"));
}

/** What an element came as: later changes of ours (ticking times, ticked boxes) do not count. */
const cameAs = new WeakMap();

/** @param {Element} element */
function shape(element) {
  return cameAs.get(element) ?? element.outerHTML;
}

/** @param {Element} ours @param {Element} theirs */
function replace(ours, theirs) {
  const came = theirs.outerHTML;
  const active = /** @type {HTMLInputElement | null} */ (document.activeElement && ours.contains(document.activeElement) ? document.activeElement : null);
  const focused = active?.id ?? "";
  const fresh = document.importNode(theirs, true);
  for (const input of ours.querySelectorAll("input:is([type=checkbox], [type=radio])")) {
    const { name, value, checked, dataset } = /** @type {HTMLInputElement} */ (input);
    if (!name || dataset.server !== undefined) continue;
    const same = fresh.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    if (same) /** @type {HTMLInputElement} */ (same).checked = checked;
  }
  for (const details of ours.querySelectorAll("details[id]")) {
    const same = fresh.querySelector("#" + CSS.escape(details.id));
    if (same) /** @type {HTMLDetailsElement} */ (same).open = /** @type {HTMLDetailsElement} */ (details).open;
  }
  cameAs.set(fresh, came);
  ours.replaceWith(fresh);
  const htmx = /** @type {any} */ (window).htmx;
  if (htmx) htmx.process(fresh);
  const again = focused ? /** @type {HTMLInputElement | null} */ (document.getElementById(focused)) : null;
  if (again && active && again.type !== "checkbox" && "selectionStart" in active) again.value = active.value;
  again?.focus();
}

/** Live parts that are new come in after the live part before them. @param {Document} newer @returns {boolean} */
function addMissing(newer) {
  let added = false;
  for (const theirs of newer.querySelectorAll("[data-live]")) {
    if (document.getElementById(theirs.id)) continue;
    const before = theirs.previousElementSibling;
    const anchor = before?.id ? document.getElementById(before.id) : null;
    const parent = theirs.parentElement?.id ? document.getElementById(theirs.parentElement.id) : null;
    const fresh = document.importNode(theirs, true);
    if (anchor) anchor.after(fresh);
    else if (parent) parent.prepend(fresh);
    else continue;
    cameAs.set(fresh, theirs.outerHTML);
    added = true;
  }
  return added;
}

/** Seconds as "44s", "1m 18s", "2h 4m", as the server writes them. @param {number} seconds */
export function brief(seconds) {
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [unit, size] of /** @type {[string, number][]} */ ([["d", 86400], ["h", 3600], ["m", 60], ["s", 1]])) {
    parts.push([Math.floor(left / size), unit]);
    left %= size;
  }
  const first = parts.findIndex(([value]) => Number(value) > 0);
  if (first < 0) return "0s";
  return parts.slice(first, first + 2).filter(([value]) => Number(value) > 0).map(([value, unit]) => `${value}${unit}`).join(" ");
}

/** When each ticking time was seen first. @type {WeakMap<Element, number>} */
const seen = new WeakMap();

function tick() {
  for (const time of document.querySelectorAll("time[data-elapsed]")) {
    if (!seen.has(time)) seen.set(time, performance.now());
    const at = /** @type {number} */ (seen.get(time));
    const text = brief(Number(/** @type {HTMLElement} */ (time).dataset.elapsed) + (performance.now() - at) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

for (const element of document.querySelectorAll("[data-live]")) cameAs.set(element, element.outerHTML);
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("htmx:afterSettle", () => {
  for (const element of document.querySelectorAll("[data-live]")) if (!cameAs.has(element)) cameAs.set(element, element.outerHTML);
});
timer = window.setTimeout(refresh, interval() ?? 0);
