// @ts-check
/** Published weights of the chosen standard network: offered where a package holds them; what they ask of the pictures is chosen with the network. */

/** The mean that the user had chosen before a network chose another. */
let own = "";

/**
 * Offer the weights of the chosen network, and choose the mean that it asks for.
 * @param {HTMLFormElement} form
 * @param {boolean} chosen the user chose the network just now
 */
export function followStandard(form, chosen) {
  const network = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="standard_networks"]:checked'));
  const weights = network?.dataset.weights ?? "";
  const missing = network?.dataset.missing ?? "";
  const box = /** @type {HTMLElement} */ (document.getElementById("pretrained"));
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("standard_pretrained"));
  box.hidden = !weights && !missing;
  input.disabled = !weights;
  if (!weights) input.checked = false;
  /** @type {HTMLElement} */ (document.getElementById("pretrained-words")).textContent = weights || missing;
  if (chosen) chooseMean(form, network?.dataset.mean ?? "");
}

/** @param {HTMLFormElement} form @param {string} asked "" for none */
function chooseMean(form, asked) {
  const mean = /** @type {HTMLSelectElement} */ (form.elements.namedItem("use_mean"));
  if (asked) {
    if (mean.value !== asked) own = mean.value;
    mean.value = asked;
  } else if (own) {
    mean.value = own;
    own = "";
  }
}

/**
 * The fields that say which standard network is trained, and from which weights.
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function standardFields(form) {
  const fields = new FormData(form);
  const name = String(fields.get("standard_networks") ?? "");
  const begun = fields.has("standard_pretrained") ? { method: "standard", standard_networks: name, standard_pretrained: "true" } : {};
  return { standard_network: name, ...begun };
}
