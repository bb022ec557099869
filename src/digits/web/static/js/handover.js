// @ts-check
/** A network that one page hands to the form of a model: it waits in this tab alone, and is taken once. */

const KEY = "digits-network";

/** @typedef {{ text: string, title: string, framework: string, weights: string }} Handed */

/** @param {Handed} network */
export const handOver = (network) => sessionStorage.setItem(KEY, JSON.stringify(network));

/** @returns {Handed | null} */
export function taken() {
  const text = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return text ? JSON.parse(text) : null;
}
