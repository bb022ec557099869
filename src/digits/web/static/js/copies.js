// @ts-check
/** Which weights would be copied into which layers of the network, asked again whenever the form says something else. */

import { send, url } from "./http.js";
import { element } from "./numbers.js";

let asked = 0;

/**
 * Show the table of the form's weights below its network; nothing where it begins with random ones.
 * @param {HTMLElement} box
 * @param {Record<string, string>} fields
 */
export async function showCopies(box, fields) {
  const mine = ++asked;
  if (!fields.previous_networks && !fields.pretrained_networks && !fields.custom_network_snapshot && !fields.standard_pretrained) {
    box.hidden = true;
    box.replaceChildren();
    return;
  }
  try {
    const text = await send("POST", url("/models/copy-table"), fields, undefined, "text/html");
    if (mine !== asked) return;
    const isOpen = box.querySelector("details")?.open;
    box.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
    const details = box.querySelector("details");
    if (details && isOpen) details.open = true;
  } catch (error) {
    if (mine !== asked) return;
    box.replaceChildren(element("p", "copies error-text small", error instanceof Error ? error.message : String(error)));
  }
  box.hidden = box.childElementCount === 0;
}

/**
 * The text with a layer under the name that says that it starts anew.
 * @param {string} text
 * @param {number} line of the layer, from 1
 * @param {string} layer
 */
export function renamed(text, line, layer) {
  const lines = text.split("\n");
  for (let at = Math.max(0, line - 1); at < lines.length; at += 1) {
    for (const quote of ['"', "'"]) {
      const old = new RegExp(`(\\bname\\s*:\\s*${quote}${layer.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})(?=${quote})`);
      if (old.test(lines[at])) {
        lines[at] = lines[at].replace(old, "$1_retrain");
        return lines.join("\n");
      }
    }
  }
  return text;
}
