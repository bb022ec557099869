// @ts-check
/** The form of a new model: what follows the chosen dataset and network, and what it will cost. */

import { renamed, showCopies } from "./copies.js";
import { makeEditor } from "./editor.js";
import { taken } from "./handover.js";
import { json, Refused, send, url } from "./http.js";
import { showLayers } from "./layers.js";
import { centreGraphs } from "./network.js";
import { about, commas, counted, element, fact, settled, short, size } from "./numbers.js";
import { followStandard, standardFields } from "./pretrained.js";
import { followRate } from "./rate-curve.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("model-form"));
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? "").trim();
const chosenDataset = () => /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="dataset"]:checked'));

/** @type {any} the network's table as it was last without errors */
let table = null;
/** @type {Refused | null} */
let trouble = null;
/** @type {ReturnType<typeof makeEditor> | null} */
let editor = null;
let standardText = "";
let standardTitle = "";
let standardName = "";
let asked = 0;
/** The file of layers in Python that will be sent. */
let pythonSource = "";

// ---------------------------------------------------------------- the dataset

async function showDataset() {
  const dataset = chosenDataset();
  if (!dataset) return;
  const summary = part("dataset-summary");
  try {
    const text = await send("GET", `${summary.dataset.url}?job_id=${encodeURIComponent(dataset.value)}`);
    if (chosenDataset() !== dataset) return;
    summary.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
  } catch (error) {
    summary.textContent = error instanceof Error ? error.message : String(error);
  }
  showSamples(dataset);
}

/** @param {HTMLInputElement} dataset */
async function showSamples(dataset) {
  const strip = part("samples");
  strip.replaceChildren();
  if (!dataset.dataset.train) return;
  try {
    const query = new URLSearchParams({ job_id: dataset.value, db: "train", size: "10" });
    const { items } = await json("GET", `${dataset.dataset.explore}?${query}`);
    if (chosenDataset() !== dataset) return;
    strip.replaceChildren(
      ...items.map((/** @type {any} */ item) => {
        const picture = document.createElement("img");
        picture.className = "thumb";
        picture.src = item.url;
        picture.alt = item.label;
        picture.title = item.label;
        return picture;
      }),
    );
  } catch {
    // A dataset without an index has no samples to show.
  }
}

// ---------------------------------------------------------------- the network

/** What each standard network learns on the chosen dataset, and whether it takes its pictures. */
async function listNetworks() {
  const list = part("standard-networks");
  const dataset = chosenDataset();
  const query = new URLSearchParams({ dataset_id: dataset?.value ?? "", target_kind: form.dataset.target ?? "", crop_size: value("crop_size"), standard_networks: value("standard_networks"), framework: value("framework") });
  try {
    const text = await send("GET", `${list.dataset.url}?${query}`, null, undefined, "text/html");
    if (chosenDataset() !== dataset) return;
    const chosen = value("standard_networks");
    list.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
    const inputs = [...list.querySelectorAll("input")];
    for (const input of inputs) input.checked = input.value === chosen;
    const other = !value("standard_networks"); // the framework has no such network
    if (other && inputs[0]) inputs[0].checked = true;
    followStandard(form, other);
  } catch {
    // The list stays as it was; the network's own table says what is wrong.
  }
}

/** How files of networks end in the chosen framework. */
const suffix = () => /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="framework"]:checked'))?.dataset.suffix ?? "prototxt";

/** The list and the language of the editor follow the framework; a text that nobody changed is fetched anew in its language. */
async function followFramework() {
  editor?.setLanguage(suffix());
  await listNetworks();
  const offered = form.querySelector(`button[data-customize="${CSS.escape(standardName)}"]`);
  const untouched = standardText.trim() === value("custom_network");
  if (value("method") === "custom" && untouched && offered) await customize(standardName, standardTitle);
  else askNetwork();
}

const listSoon = settled(listNetworks, 500);

function networkFields() {
  /** @type {Record<string, string>} */
  const fields = { details: "true", dataset_id: chosenDataset()?.value ?? "", crop_size: value("crop_size"), batch_size: value("batch_size").split(",")[0] };
  const method = value("method");
  if (method === "custom") Object.assign(fields, { method, custom_network: value("custom_network") }, beginFields());
  else if (isLent(method)) Object.assign(fields, lentFields(method));
  else Object.assign(fields, standardFields(form));
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text));
}

/** The weights and the layers in Python that a network in the editor begins with. */
function beginFields() {
  const sent = new FormData(form).has("python_layer_from_client");
  return {
    custom_network_snapshot: value("custom_network_snapshot"),
    ...(sent ? { python_layer_source: pythonSource } : { python_layer_server_file: value("python_layer_server_file") }),
  };
}

/** The model whose network is trained on, and its weights. @param {string} method @returns {Record<string, string>} */
function lentFields(method) {
  const job = value(`${method}_networks`);
  return job ? { method, [`${method}_networks`]: job, previous_epoch: value(`${job}-snapshot`) } : {};
}

async function askNetwork() {
  const mine = ++asked;
  part("graph").hidden = true; // it is of the network before
  const fields = networkFields();
  if (!fields.custom_network && !fields.standard_network && !fields.previous_networks && !fields.pretrained_networks) {
    table = trouble = null;
    showCopies(part("copies"), {});
    return show();
  }
  showCopies(part("copies"), { ...fields, framework: value("framework") });
  part("network-state").textContent = "Reading the network …";
  try {
    const found = await json("POST", url("/models/network-table.json?framework=") + encodeURIComponent(value("framework")), fields);
    if (mine !== asked) return;
    table = found;
    trouble = null;
  } catch (error) {
    if (mine !== asked) return;
    trouble = error instanceof Refused ? error : new Refused(String(error), 0);
  }
  show();
}

function show() {
  showState();
  showError();
  const custom = value("method") === "custom";
  if (custom) showLayers(part("layers"), table, trouble && { line: badLine(), word: wordIn(editor?.lineText(badLine()) ?? "", trouble.fact) }, (line) => editor?.goTo(line));
  showEstimate();
}

/** @returns {number} */
function badLine() {
  return Number(/(?:line |:)(\d+)/.exec(trouble?.where ?? "")?.[1] ?? 0);
}

function showState() {
  const state = part("network-state");
  state.className = trouble ? "small error-text" : "small muted";
  const line = badLine();
  if (!trouble) state.textContent = table ? counted(table.layers.length, "layer") : "";
  else state.textContent = line ? `▲ 1 error, line ${line}` : `▲ ${trouble.fact}`;
  if (value("method") === "custom" && standardTitle) tellChanges();
}

function tellChanges() {
  const ours = value("custom_network").split("\n");
  const theirs = standardText.trim().split("\n");
  const known = new Set(theirs);
  const changed = ours.filter((line) => !known.has(line)).length + Math.max(0, theirs.length - ours.length);
  const words = [`Started from ${standardTitle}, ${changed ? `${counted(changed, "line")} changed` : "nothing changed"}`];
  /** @type {(string | Node)[]} */
  const nodes = words;
  if (changed) {
    const undo = element("button", "link", "Undo all changes");
    /** @type {HTMLButtonElement} */ (undo).type = "button";
    undo.addEventListener("click", () => editor?.setText(standardText));
    nodes.push(" ", undo);
  }
  part("started-from").replaceChildren(...nodes);
}

function showError() {
  editor?.clear();
  const note = part("create-note");
  note.className = trouble ? "small error-text" : "small";
  note.replaceChildren();
  if (!trouble || value("method") !== "custom") return;
  const line = badLine();
  if (!line) {
    note.textContent = trouble.message;
    return;
  }
  const go = element("button", "link", "Go there");
  /** @type {HTMLButtonElement} */ (go).type = "button";
  go.addEventListener("click", () => editor?.goTo(line));
  note.replaceChildren(`The network has 1 error, in line ${line}. `, go);
  const words = [element("b", "", trouble.fact), element("span", "", trouble.hint)];
  const better = /Did you mean '([^']+)'/.exec(trouble.hint)?.[1];
  const old = better && wordIn(editor?.lineText(line) ?? "", trouble.fact);
  if (better && old) {
    const repair = element("button", "small", `Replace with ${better}`);
    /** @type {HTMLButtonElement} */ (repair).type = "button";
    repair.addEventListener("click", () => editor?.replace(line, old, better));
    words.push(repair);
  }
  editor?.showError(line, ...words);
}

/** The word of the line that the error speaks of. @param {string} line @param {string} fact */
function wordIn(line, fact) {
  const quoted = [...fact.matchAll(/'([^']+)'/g)].map((match) => match[1]);
  return quoted.reverse().find((word) => line.includes(word)) ?? "";
}

// ---------------------------------------------------------------- what it will cost

/** How many models a list of values asks for. @param {string} name */
const listed = (name) => Math.max(1, value(name).replace(/[[\]]/g, "").split(",").filter((text) => text.trim()).length);

function showEstimate() {
  const dataset = chosenDataset();
  const train = Number(dataset?.dataset.train || 0);
  const epochs = Number(value("train_epochs")) || 0;
  const batch = Number(value("batch_size").split(",")[0]) || table?.batch_size || 0;
  const perEpoch = train && batch ? Math.ceil(train / batch) : 0;
  const models = listed("learning_rate") * listed("batch_size");
  const parameters = table?.parameters ?? null;
  part("est-parameters").textContent = parameters === null ? "–" : commas(parameters);
  part("est-iterations").textContent = perEpoch ? commas(perEpoch * epochs) : "–";
  part("est-memory").textContent = table ? size(2 * table.activations_bytes + 12 * parameters) : "–";
  part("est-models").textContent = commas(models);
  part("est-models-name").textContent = models === 1 ? "model" : "models, in one group";
  const rows = [];
  if (perEpoch) rows.push(fact("One epoch", `${commas(perEpoch)} iterations of ${commas(batch)}`));
  const val = Number(dataset?.dataset.val || 0);
  const epochS = epochSeconds(train, val);
  if (epochS) rows.push(fact("An epoch takes", `${about(epochS)} on this CPU`));
  if (epochS && epochs > 1) rows.push(fact(`${commas(epochs)} epochs take`, about(epochS * epochs)));
  if (table?.multiply_adds) rows.push(fact("Multiply-adds, one picture", short(table.multiply_adds)));
  const interval = Number(value("snapshot_interval"));
  const snapshots = interval > 0 ? Math.max(1, Math.floor(epochs / interval)) : 1;
  if (parameters && epochs) rows.push(fact(counted(snapshots, "snapshot"), size(snapshots * parameters * 4)));
  if (val) rows.push(fact("Validation", Number(value("val_interval")) > 0 ? `${commas(val)} pictures every ${value("val_interval")} epoch${value("val_interval") === "1" ? "" : "s"}` : "never"));
  part("est-facts").replaceChildren(...rows);
  part("est-message").replaceChildren(...messages(dataset, val));
}

/** @param {HTMLInputElement | null} dataset @param {number} val */
function messages(dataset, val) {
  const found = [];
  if (trouble) {
    const box = element("p", "message bad", element("b", "", table ? "Estimate of the last version without errors." : "No estimate yet."), ` ${trouble.message}`);
    found.push(box);
  }
  for (const warning of table?.warnings ?? []) found.push(element("p", "message warn", String(warning)));
  if (dataset && dataset.dataset.train && !val && Number(value("val_interval")) > 0) {
    found.push(element("p", "message", "This dataset has no pictures for validation, so there will be no accuracy while it trains."));
  }
  return found;
}

/** How long an epoch may take on the server's CPU; 0 where that is not known, or a GPU will do it. @param {number} train @param {number} val */
function epochSeconds(train, val) {
  const hasGpus = form.querySelector('[name="select_gpu_count"]') !== null;
  if (!table?.picture_s || trouble || (hasGpus && value("device") !== "cpu") || value("device") === "cuda") return 0;
  const interval = Number(value("val_interval"));
  const validated = interval > 0 ? val / interval / 3 : 0; // forward alone: a third of a training step
  return table.picture_s * (train + validated);
}

// ---------------------------------------------------------------- tabs, customize, visualize

const METHODS = /** @type {const} */ (["standard", "previous", "pretrained", "custom"]);

/** @param {typeof METHODS[number]} method */
function choose(method) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector('input[name="method"]'));
  input.value = method;
  part("begin-custom").hidden = method !== "custom";
  part("upload-label").hidden = isLent(method);
  part("to-fcn").hidden = method !== "custom";
  for (const name of METHODS) {
    part(`tab-${name}`).setAttribute("aria-selected", String(name === method));
    part(`tab-${name}`).tabIndex = name === method ? 0 : -1;
    part(`panel-${name}`).hidden = name !== method;
  }
  part("started-from").textContent = "";
  if (method === "custom") openEditor();
  if (isLent(method) && !value(`${method}_networks`)) firstLent(method)?.click();
  askNetwork();
}

/** Whether another job lends the network. @param {string} method */
const isLent = (method) => method === "previous" || method === "pretrained";

/** @param {string} method */
const firstLent = (method) => /** @type {HTMLInputElement | null} */ (form.querySelector(`tr:not([hidden]) input[name="${method}_networks"]`));

function openEditor() {
  const area = /** @type {HTMLTextAreaElement} */ (part("custom_network"));
  editor ??= makeEditor(part("editor"), area, askSoon);
  editor.setLanguage(suffix());
  editor.resize();
}

/** @param {string} name @param {string} title */
async function customize(name, title) {
  const query = new URLSearchParams({ network: name, framework: value("framework"), snapshot_epoch: value(`${name}-snapshot`) });
  try {
    const found = JSON.parse(await send("POST", url(`/models/customize?${query}`)));
    setText("custom_network_snapshot", found.snapshot ?? "");
    setText("python_layer_server_file", found.python_layer ?? "");
    useText(found.network, title);
    standardName = name;
  } catch (error) {
    part("network-state").textContent = error instanceof Error ? error.message : String(error);
  }
}

/** The classifier that is chosen, made fully convolutional, in the editor. */
async function toFcn() {
  part("network-state").textContent = "Making it fully convolutional …";
  try {
    const found = await json("POST", url("/models/to-fcn.json"), { framework: value("framework"), custom_network: value("custom_network") });
    useText(found.network, "a classifier made fully convolutional");
    const different = Number(found.checked_max_difference).toPrecision(2);
    part("started-from").textContent = `Its scores differ by at most ${different} from the classifier's.`;
  } catch (error) {
    part("network-state").textContent = error instanceof Error ? error.message : String(error);
  }
}

/** A network that another page handed over. @param {import("./handover.js").Handed} network */
function useHanded(network) {
  const input = /** @type {HTMLInputElement | null} */ (form.querySelector(`input[name="framework"][value="${CSS.escape(network.framework)}"]`));
  if (input) input.checked = true;
  editor?.setLanguage(suffix());
  setText("custom_network_snapshot", network.weights);
  useText(network.text, network.title);
  part("started-from").textContent = network.title;
}

/** @param {string} id @param {string} text */
const setText = (id, text) => (/** @type {HTMLInputElement} */ (part(id)).value = text);

/** Go on from a text in the editor. @param {string} text @param {string} title */
function useText(text, title) {
  standardText = text;
  standardTitle = title;
  if (editor) editor.setText(standardText);
  else /** @type {HTMLTextAreaElement} */ (part("custom_network")).value = standardText;
  choose("custom");
  editor?.focus();
}

/** A network from a file on one's own machine; it is read here and sent with the form. @param {HTMLInputElement} input */
async function upload(input) {
  const file = input.files?.[0];
  if (!file) return;
  const language = file.name.split(".").pop();
  const framework = /** @type {HTMLInputElement | null} */ (form.querySelector(`input[name="framework"][data-suffix="${CSS.escape(language ?? "")}"]`));
  if (framework) framework.checked = true;
  useText(await file.text(), file.name);
  input.value = "";
}

/** Give a layer whose weights do not fit a name of its own. @param {string} layer */
function rename(layer) {
  if (isLent(value("method"))) return;
  const line = table?.layers.find((/** @type {any} */ each) => each.name === layer)?.line ?? 0;
  const text = renamed(/** @type {HTMLTextAreaElement} */ (part("custom_network")).value, line, layer);
  editor?.setText(text);
}

async function visualize() {
  const graph = part("graph");
  const fields = networkFields();
  graph.hidden = false;
  graph.replaceChildren(element("p", "panel-body muted", "Drawing the network …"));
  try {
    const text = await send("POST", url("/models/visualize-network?framework=") + encodeURIComponent(value("framework")), fields);
    graph.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
    centreGraphs(graph);
  } catch (error) {
    graph.replaceChildren(element("p", "panel-body error-text", error instanceof Error ? error.message : String(error)));
  }
  graph.scrollIntoView({ block: "nearest" });
}

const askSoon = settled(askNetwork, 500);

const ASKED = ["dataset", "standard_networks", "standard_pretrained", "previous_networks", "pretrained_networks", "python_layer_from_client", "python_layer_client_file"];

/** Who chooses a snapshot means its model. @param {HTMLElement} select */
function chooseRow(select) {
  const radio = /** @type {HTMLInputElement | null | undefined} */ (select.closest("tr")?.querySelector('input[type="radio"]'));
  if (radio) radio.checked = true;
}

/** Another kind of dataset has a form of its own. @param {HTMLInputElement} dataset */
function openForm(dataset) {
  location.assign(`${dataset.dataset.form}?dataset=${encodeURIComponent(dataset.value)}`);
}

/** Words that hold unless a field has one value. */
function showWords() {
  for (const words of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-unless]"))) {
    const [name, usual] = (words.dataset.unless ?? "").split("=");
    words.hidden = value(name) === usual;
  }
}

form.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  for (const method of METHODS) if (button?.id === `tab-${method}`) choose(method);
  if (button?.dataset.rename) rename(button.dataset.rename);
  if (button?.id === "visualize") visualize();
  if (button?.id === "to-fcn") toFcn();
  if (button?.dataset.customize) customize(button.dataset.customize, button.dataset.title ?? "");
});
form.addEventListener("keydown", (event) => {
  const tab = /** @type {Element} */ (event.target).closest('[role="tab"]');
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const at = METHODS.findIndex((method) => tab.id === `tab-${method}`);
  const other = METHODS[(at + (event.key === "ArrowLeft" ? METHODS.length - 1 : 1)) % METHODS.length];
  choose(other);
  part(`tab-${other}`).focus();
});
form.addEventListener("change", async (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const name = input.name;
  if (name === "python_layer_client_file") pythonSource = (await input.files?.[0]?.text()) ?? "";
  if (name.endsWith("-snapshot")) chooseRow(input);
  showWords();
  if (input.id === "upload") upload(input);
  if (name === "dataset") {
    if (input.dataset.form !== form.dataset.form && form.dataset.form) return openForm(input);
    showDataset();
    listNetworks();
  }
  if (name === "framework") followFramework();
  if (name === "standard_networks") followStandard(form, true);
  if (ASKED.includes(name) || name.endsWith("-snapshot")) askNetwork();
});
form.addEventListener("input", (event) => {
  const name = /** @type {HTMLInputElement} */ (event.target).name;
  if (["crop_size", "batch_size", "custom_network", "custom_network_snapshot", "python_layer_server_file"].includes(name)) askSoon();
  if (name === "crop_size") listSoon();
  showEstimate();
});

if (value("method") === "custom") openEditor();
part("upload-label").hidden = isLent(value("method"));
followRate(form);
followStandard(form, false);
const dataset = chosenDataset();
if (dataset) showSamples(dataset);
dataset?.closest("label")?.scrollIntoView({ block: "nearest" });
const handed = taken();
if (handed) useHanded(handed);
else askNetwork();
