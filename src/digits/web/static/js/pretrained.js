// @ts-check
/** The chosen standard network: published weights where a package holds them, and the fields in which its training begins otherwise. */

/** What the user had chosen in fields that a network chose otherwise. @type {Record<string, string>} */
let own = {};

/**
 * Offer the weights of the chosen network, and begin its training as it asks for.
 * @param {HTMLFormElement} form
 * @param {boolean} chosen the network was chosen just now
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
  if (!chosen) return;
  const mean = network?.dataset.mean ?? "";
  begin(form, { ...JSON.parse(network?.dataset.begin ?? "{}"), ...(mean ? { use_mean: mean } : {}) });
}

/**
 * Fill in what a network asks for; what another had filled in becomes again what it was.
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} asked values by the names of fields
 */
function begin(form, asked) {
  const before = own;
  own = Object.fromEntries(Object.keys(asked).map((name) => [name, before[name] ?? get(form, name)]));
  for (const [name, value] of Object.entries({ ...before, ...asked })) {
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
    if (get(form, name) === value || field.disabled) continue;
    if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = value === "true";
    else field.value = value;
    for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
  }
}

/** @param {HTMLFormElement} form @param {string} name */
function get(form, name) {
  const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
  return field instanceof HTMLInputElement && field.type === "checkbox" ? String(field.checked) : field.value;
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
