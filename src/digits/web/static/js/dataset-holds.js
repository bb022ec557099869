// @ts-check
/** What a source holds, in the panel beside the form: counts, classes with pictures, what was refused, what would be better. */

import { json, Refused, url } from "./http.js";
import { bar, commas, counted, element } from "./numbers.js";

const SHOWN_REFUSED = 3;
const SHOWN_CLASSES = 500;
const UNEVEN = 4;

const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** The panel. */
export class Holds {
  /**
   * @param {{take: (fields: Record<string, string[]>) => void, most: () => string, limit: (count: number) => void, changed: () => void}} form
   *   `take` fills in the fields of another source, `most` and `limit` read and set the most pictures a class, `changed` hears of news
   */
  constructor(form) {
    this.form = form;
    /** @type {any} what was found last */
    this.found = null;
    this.asked = 0;
    this.readAt = 0;
    /** @type {AbortController | null} */
    this.request = null;
    part("holds-stop").addEventListener("click", () => this.stop());
    setInterval(() => this.tellAge(), 1000);
  }

  /** Look at a source. @param {Record<string, string> | null} question null where there is none yet @param {string} hint what is missing then */
  async look(question, hint) {
    const mine = ++this.asked;
    this.request?.abort();
    this.found = null;
    part("holds-when").textContent = "";
    part("holds-again").hidden = true;
    if (!question) {
      this.busy(false);
      part("holds-body").replaceChildren(element("p", "muted", hint));
      return this.form.changed();
    }
    this.busy(true);
    this.say("Looking at it …");
    try {
      const found = await this.ask(question, mine);
      if (mine !== this.asked) return;
      this.found = found;
      this.readAt = Date.now();
      this.show();
    } catch (error) {
      if (mine !== this.asked) return;
      part("holds-body").replaceChildren(element("p", "message bad", error instanceof Refused ? error.message : String(error)));
    }
    this.busy(false);
    part("holds-again").hidden = false;
    this.form.changed();
  }

  /** @param {Record<string, string>} question @param {number} mine */
  async ask(question, mine) {
    const began = Date.now();
    for (;;) {
      this.request = new AbortController();
      const found = await json("POST", url("/datasets/inspect.json"), { ...question, wait: "1" }, this.request.signal);
      if (found.state !== "running" || mine !== this.asked) return found;
      this.say(`Looking at it: ${counted(found.done ?? 0, "picture")} so far, ${Math.round((Date.now() - began) / 1000)} s …`);
    }
  }

  stop() {
    this.asked += 1;
    this.request?.abort(); // the server gives up a look that nobody asks about
    this.busy(false);
    part("holds-again").hidden = false;
    part("holds-body").replaceChildren(element("p", "muted", "Stopped. A dataset can be made all the same."));
  }

  /** @param {boolean} is */
  busy(is) {
    part("holds-stop").hidden = !is;
  }

  /** @param {string} words */
  say(words) {
    part("holds-body").replaceChildren(element("p", "muted", words));
  }

  show() {
    const { classes, count, boxes, refused, refused_count: refusedCount, words } = this.found;
    const figures = element("div", "figures", figure(commas(count), "pictures"), figure(commas(classes.length), "classes"));
    if (boxes !== undefined) figures.append(figure(commas(boxes), "boxes"));
    if (refusedCount) figures.append(figure(commas(refusedCount), boxes === undefined ? "refused files" : "refused files or boxes", true));
    part("holds-body").replaceChildren(
      this.kind(words), figures, this.bars(), ...this.samples(), ...this.warnings(), ...refusedList(refused, refusedCount),
    );
    this.tellAge();
  }

  /** What it is; where it is another kind of source than the form says, with the remedy. @param {string} words */
  kind(words) {
    if (!this.found.fields) return element("p", "muted holds-kind", `${words}.`);
    const box = message("warn", `${words}.`, "");
    box.append(button("Fill in the fields for it", () => this.form.take(this.found.fields)));
    return box;
  }

  bars() {
    const { classes, class_dbs: byDb = {}, pixels } = this.found;
    const counted = (/** @type {any} */ each) => (pixels === undefined ? commas(each.count) : `${((100 * each.count) / Math.max(1, pixels)).toFixed(2)} %`);
    const most = Math.max(1, ...classes.map((/** @type {any} */ each) => each.count));
    const order = classes.map((/** @type {any} */ _, /** @type {number} */ index) => index);
    order.sort((/** @type {number} */ a, /** @type {number} */ b) => classes[b].count - classes[a].count);
    const list = element("ul", "class-bars");
    list.tabIndex = 0;
    list.setAttribute("aria-label", "Classes");
    const pictured = classes.some((/** @type {any} */ each) => each.thumb || each.colour);
    list.classList.toggle("pictured", pictured);
    for (const index of order.slice(0, SHOWN_CLASSES)) {
      const each = classes[index];
      const name = element("span", "text", each.label);
      const dbs = Object.entries(byDb).map(([db, counts]) => `${commas(counts[index])} for ${db}`);
      name.title = [each.label, ...dbs].join(", ");
      const row = element("li", "", name, bar(each.count / most), element("span", "num", counted(each)));
      if (pictured) row.prepend(each.thumb ? picture(each.thumb) : each.colour ? swatch(each.colour) : element("span", ""));
      list.append(row);
    }
    if (order.length > SHOWN_CLASSES) list.append(element("li", "muted", `and ${commas(order.length - SHOWN_CLASSES)} more`));
    return list;
  }

  /** A row of pictures for each of the largest classes. */
  samples() {
    const { classes, samples = [] } = this.found;
    if (isWhole(this.found)) return [element("div", "sample-pictures", ...samples.map((/** @type {any} */ each) => picture(each.image, each.name)))];
    const rows = new Map();
    for (const each of samples) rows.set(each.class, [...(rows.get(each.class) ?? []), each]);
    const several = [...rows].filter(([, all]) => all.length > 1);
    if (!several.length) return [];
    const list = element("dl", "sample-rows");
    for (const [label, all] of several) {
      const term = element("dt", "text", classes[label].label);
      term.title = classes[label].label;
      list.append(element("div", "", term, element("dd", "", ...all.map((/** @type {any} */ each) => picture(each.image, each.name)))));
    }
    return [list];
  }

  warnings() {
    if (isWhole(this.found)) return this.found.notes.map((/** @type {string} */ note) => message("warn", "", `${note}.`));
    const full = this.found.classes.filter((/** @type {any} */ each) => each.count > 0);
    if (full.length < 2) return [message("bad", "Fewer than two classes.", "A dataset needs pictures of two classes at least.")];
    if (this.found.format === "textfile") return [];
    const least = full.reduce((/** @type {any} */ a, /** @type {any} */ b) => (b.count < a.count ? b : a));
    const most = full.reduce((/** @type {any} */ a, /** @type {any} */ b) => (b.count > a.count ? b : a));
    const ratio = most.count / least.count;
    if (ratio < UNEVEN || this.form.most()) return [];
    const limit = nice(least.count * 2.5);
    const text = `${most.label} has ${ratio.toFixed(1)} times the pictures of ${least.label}. A limit of ${commas(limit)} per class evens this out. `;
    const box = message("warn", "Uneven classes.", text);
    box.append(
      button(`Set the maximum to ${commas(limit)}`, () => {
        this.form.limit(limit);
        box.remove();
      }),
    );
    return [box];
  }

  tellAge() {
    if (!this.found) return;
    const seconds = Math.round((Date.now() - this.readAt) / 1000);
    part("holds-when").textContent = seconds < 60 ? `Read ${seconds} s ago` : `Read ${Math.round(seconds / 60)} min ago`;
  }
}

/** Whether all fields of the form say what is made, as of pictures with boxes or masks: what it holds is dealt already. @param {any} found */
export function isWhole(found) {
  return found?.boxes !== undefined || found?.pixels !== undefined;
}

/** A square of a class's colour. @param {string} colour */
function swatch(colour) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, text] of Object.entries({ width: "12", height: "12", rx: "2", fill: colour })) square.setAttribute(name, text);
  made.setAttribute("class", "swatch");
  made.append(square);
  return made;
}

/** @param {string} number @param {string} words @param {boolean} [bad] */
function figure(number, words, bad = false) {
  return element("p", bad ? "figure bad" : "figure", element("b", "", number), element("span", "", words));
}

/** @param {string} source @param {string} [name] */
function picture(source, name = "") {
  const image = document.createElement("img");
  image.src = source;
  image.alt = "";
  image.title = name;
  return image;
}

/** A round number near. @param {number} near */
function nice(near) {
  const power = 10 ** Math.floor(Math.log10(near));
  return Math.max(2, Math.round(near / power) * power);
}

/** @param {string} kind @param {string} fact @param {string} text */
function message(kind, fact, text) {
  return element("p", `message ${kind}`, element("b", "", fact), " ", text);
}

/** @param {string} words @param {() => void} act */
function button(words, act) {
  const made = /** @type {HTMLButtonElement} */ (element("button", "link", words));
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

/** @param {{path: string, line: number | null, reason: string}[]} rows @param {number} count */
function refusedList(rows, count) {
  if (!count) return [];
  const root = common(rows.map((row) => row.path));
  const list = element("ul", "refused-files");
  const show = (/** @type {number} */ number) => {
    list.replaceChildren(
      ...rows.slice(0, number).map((row) => {
        const name = (row.line ? `line ${row.line}: ` : "") + row.path.slice(root.length);
        return element("li", "", element("span", "mono", name), element("span", "muted", row.reason));
      }),
    );
  };
  show(SHOWN_REFUSED);
  const parts = [element("h3", "", `Refused files (${commas(count)})`), list];
  if (rows.length > SHOWN_REFUSED) {
    const words = rows.length < count ? `Show the first ${rows.length}` : `Show all ${commas(count)}`;
    const all = button(words, () => {
      show(rows.length);
      all.remove();
    });
    all.classList.add("small");
    parts.push(all);
  }
  return [element("div", "refused-box", ...parts)];
}

/** The folder that all paths lie in, two levels above the deepest at most. @param {string[]} paths */
function common(paths) {
  let root = paths.length ? paths[0].replace(/[^/]*\/?[^/]*$/, "") : "";
  for (const path of paths) while (!path.startsWith(root)) root = root.replace(/[^/]*\/$/, "");
  return root;
}
