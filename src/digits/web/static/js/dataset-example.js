// @ts-check
/** One picture in all four resize modes, of the source where it was looked at; what all of them will take comes with it. */

import { json, url } from "./http.js";
import { element, size } from "./numbers.js";

const MODES = /** @type {[string, string][]} */ ([["squash", "Squash"], ["crop", "Crop"], ["fill", "Fill"], ["half_crop", "Half crop, half fill"]]);
const ENCODINGS = /** @type {Record<string, string>} */ ({ png: "as PNG", jpg: "as JPEG", none: "raw" });

const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** The row of examples. */
export class Example {
  /** @param {HTMLFormElement} form @param {(name: string) => string} value @param {() => void} changed hears of a new estimate */
  constructor(form, value, changed) {
    this.form = form;
    this.value = value;
    this.changed = changed;
    /** @type {any} */
    this.shown = null;
    this.asked = 0;
    this.at = -1;
  }

  /** Show a picture. @param {any} found what the source holds @param {boolean} [another] */
  async show(found, another = false) {
    const mine = ++this.asked;
    const samples = found?.samples ?? [];
    if (another || this.at < 0 || this.at >= samples.length) this.at = samples.length ? (this.at + 1) % samples.length : -1;
    const sample = found?.look && this.at >= 0 ? { look: found.look, sample: String(this.at) } : {};
    part("example-note").textContent = "Fitting the picture …";
    try {
      const fields = {
        width: this.value("resize_width"),
        height: this.value("resize_height"),
        channels: this.value("resize_channels"),
        encoding: this.value("encoding"),
        backend: this.value("backend"),
        resize_mode: this.value("resize_mode"),
        ...sample,
      };
      const answer = await json("POST", url("/datasets/images/resize-example.json"), fields);
      if (mine !== this.asked) return;
      this.shown = answer;
      this.draw(Boolean(sample.look), samples.length);
      part("example-note").textContent = "";
    } catch (error) {
      if (mine !== this.asked) return;
      part("example-note").textContent = error instanceof Error ? error.message : String(error);
    }
    this.changed();
  }

  /** @param {boolean} own @param {number} count */
  draw(own, count) {
    const { source, modes } = this.shown;
    const name = source.name.split("/").slice(-2).join("/");
    part("example-name").textContent = own
      ? `${name} of your own, ${source.width} × ${source.height}`
      : `a drawn picture, ${source.width} × ${source.height}`;
    part("example-show").textContent = count > 1 ? "Another picture" : "See example";
    const encoding = this.value("backend") === "hdf5" ? "HDF5" : (ENCODINGS[this.value("encoding")] ?? "");
    const cells = [this.cell(source.image, "Original", size(source.bytes), null)];
    for (const [mode, title] of MODES) cells.push(this.cell(modes[mode].image, title, `${size(modes[mode].bytes)} ${encoding}`, mode));
    part("example-row").replaceChildren(...cells);
    part("example-row").hidden = false;
    this.mark();
  }

  /** @param {string} image @param {string} title @param {string} words @param {string | null} mode */
  cell(image, title, words, mode) {
    const picture = document.createElement("img");
    picture.src = image;
    picture.alt = "";
    picture.className = Number(this.value("resize_width")) < 100 && mode ? "pixels" : "";
    const line = element("span", mode ? "choice" : "", title);
    if (mode) {
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = "example_mode";
      radio.value = mode;
      radio.addEventListener("change", () => {
        const select = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("resize_mode"));
        select.value = mode;
        select.dispatchEvent(new Event("input", { bubbles: true }));
      });
      line.prepend(radio);
    }
    return element(mode ? "label" : "span", "example-cell", element("span", "frame", picture), line, element("span", "small", words));
  }

  /** Mark the mode that the form says. */
  mark() {
    for (const radio of document.querySelectorAll('input[name="example_mode"]')) {
      /** @type {HTMLInputElement} */ (radio).checked = /** @type {HTMLInputElement} */ (radio).value === this.value("resize_mode");
    }
  }
}
