// @ts-check
/** The table of layers beside the editor: output shape, parameters, receptive field; a click goes to the layer's line. */

import { commas, element } from "./numbers.js";

/**
 * @param {HTMLElement} box
 * @param {any} table the answer of /models/network-table, or null
 * @param {{line: number, word: string} | null} bad where the text cannot be read; the table is then of the last version that could
 * @param {(line: number) => void} goTo
 */
export function showLayers(box, table, bad, goTo) {
  if (!table) {
    const words = bad === null ? "The layers with their shapes stand here as soon as there is a network." : "The layers with their shapes stand here as soon as the text can be read.";
    box.replaceChildren(element("p", "panel-body muted small", words));
    return;
  }
  const head = element("tr", "", ...["Layer", "Type", "Output shape", "Parameters", "Sees, px"].map((text, index) => element("th", index > 1 ? "num" : "", text)));
  const rows = table.layers.map((/** @type {any} */ layer) => row(layer, bad, goTo));
  const total = element("tr", "total", element("th", "", "Total"), element("td", ""), element("td", ""), element("td", "num", commas(table.parameters)), element("td", ""));
  const made = element("table", "table", element("thead", "", head), element("tbody", "", ...rows, total));
  const words = bad === null ? "A click on a layer goes to its line." : "Shapes after the error are those of the last version that could be read. A click on a layer goes to its line.";
  box.replaceChildren(made, element("p", "panel-foot", words));
}

/** @param {any} layer @param {{line: number, word: string} | null} bad @param {(line: number) => void} goTo */
function row(layer, bad, goTo) {
  const isBad = bad !== null && layer.line && bad.line >= layer.line && bad.line <= layer.line + 3;
  const shape = (layer.output?.[0] ?? []).slice(1).join(" × ");
  const field = layer.receptive_field?.length ? [...new Set(layer.receptive_field)].map((each) => commas(Number(each))).join(" × ") : "–";
  const name = element("button", "link", layer.name);
  /** @type {HTMLButtonElement} */ (name).type = "button";
  const type = isBad ? `${bad.word || layer.type}, line ${bad.line}` : layer.type;
  const frozen = layer.frozen && !isBad ? [" ", element("span", "badge", "frozen")] : [];
  const [out, count, seen] = isBad ? ["?", "?", "?"] : [shape || "–", commas(layer.parameters ?? 0), field];
  const made = element("tr", isBad ? "bad" : "", element("td", "", name), element("td", "muted", type, ...frozen), element("td", "num", out), element("td", "num", count), element("td", "num", seen));
  if (layer.line) {
    made.dataset.line = String(layer.line);
    made.addEventListener("click", () => goTo(layer.line));
  }
  return made;
}
