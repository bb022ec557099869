// @ts-check
/** Explore: the record of the picture under the pointer or the focus, arrows that go on, a picture opened large. */

const grid = document.getElementById("grid");
const cells = /** @type {HTMLAnchorElement[]} */ ([...(grid?.querySelectorAll(".cell") ?? [])]);
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const large = /** @type {HTMLDialogElement} */ (part("large"));
const GOING = "digits.explore.large";
let current = 0;

/** @param {number} index */
function show(index) {
  const cell = cells[index];
  if (!cell) return;
  cells[current]?.classList.remove("current");
  current = index;
  cell.classList.add("current");
  const { index: row = "", key = "", label = "", path = "", text = "" } = cell.dataset;
  for (const each of document.querySelectorAll("[data-record-text]")) each.textContent = text;
  part("record").hidden = false;
  part("record-index").textContent = Number(row).toLocaleString("en");
  /** @type {HTMLImageElement} */ (part("record-picture")).src = cell.href;
  putBoxes("record-picture", cell);
  part("record-label").textContent = label;
  part("record-key").textContent = key;
  part("record-path").textContent = path;
  tellBytes(cell.href, index);
  if (large.open) fillLarge();
}

/** @param {string} address @param {number} index */
async function tellBytes(address, index) {
  const response = await fetch(address, { cache: "force-cache" });
  const blob = await response.blob();
  if (index !== current) return;
  part("large-bytes").textContent = part("record-bytes").textContent = `${blob.size.toLocaleString("en")} B, ${blob.type.replace("image/", "")}`;
}

function fillLarge() {
  const cell = cells[current];
  part("large-title").textContent = `${cell.dataset.label}, picture ${Number(cell.dataset.index).toLocaleString("en")}`;
  part("large-label").textContent = cell.dataset.label ?? "";
  part("large-key").textContent = cell.dataset.key ?? "";
  part("large-path").textContent = cell.dataset.path ?? "";
  /** @type {HTMLImageElement} */ (part("large-picture")).src = cell.href;
  putBoxes("large-picture", cell);
}

/** Draw the boxes of a cell over a picture, too. @param {string} id @param {HTMLAnchorElement} cell */
function putBoxes(id, cell) {
  const holder = part(id).parentElement;
  holder?.querySelector("svg.boxes")?.remove();
  const boxes = cell.querySelector("svg.boxes")?.cloneNode(true);
  if (boxes) holder?.append(boxes);
}

function open() {
  fillLarge();
  large.showModal();
}

/** Go on by some cells; past the end, to the next page. @param {number} by */
function go(by) {
  const target = current + by;
  if (target < 0 || target >= cells.length) {
    const link = document.querySelector(`.pages a[rel="${by > 0 ? "next" : "prev"}"]`);
    if (!(link instanceof HTMLAnchorElement)) return;
    if (large.open) sessionStorage.setItem(GOING, by > 0 ? "first" : "last"); // the next page goes on where this one ends
    location.assign(link.href);
    return;
  }
  show(target);
  if (!large.open) cells[target].focus();
}

const columns = () => (grid ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1);

grid?.addEventListener("pointerover", (event) => {
  const cell = /** @type {Element} */ (event.target).closest(".cell");
  if (cell) show(cells.indexOf(/** @type {HTMLAnchorElement} */ (cell)));
});
grid?.addEventListener("focusin", (event) => {
  const cell = /** @type {Element} */ (event.target).closest(".cell");
  if (cell) show(cells.indexOf(/** @type {HTMLAnchorElement} */ (cell)));
});
grid?.addEventListener("click", (event) => {
  const cell = /** @type {Element} */ (event.target).closest(".cell");
  if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(cells.indexOf(/** @type {HTMLAnchorElement} */ (cell)));
  open();
});

document.addEventListener("keydown", (event) => {
  if (/** @type {Element} */ (event.target).matches("input, textarea, select")) return;
  const inGrid = grid?.contains(document.activeElement) || large.open || document.activeElement === document.body;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  const by = steps[/** @type {keyof typeof steps} */ (event.key)];
  if (!inGrid || by === undefined) return;
  event.preventDefault();
  go(large.open && Math.abs(by) > 1 ? Math.sign(by) : by);
});

part("large-before").addEventListener("click", () => go(-1));
part("large-after").addEventListener("click", () => go(1));
part("large-close").addEventListener("click", () => large.close());
large.addEventListener("click", (event) => event.target === large && large.close());

// Cells grow by whole multiples of a small picture.
const SIZE = "digits.explore.cell";
const slider = /** @type {HTMLInputElement} */ (part("cell-size"));
const side = Number(grid?.dataset.side ?? 100);
const sizes = side < 100 ? [2, 3, 4, 6, 8].map((times) => side * Math.max(1, Math.round((times * 28) / side))) : [56, 84, 112, 168, 224];

function resize() {
  if (!grid) return;
  grid.style.setProperty("--cell", `${sizes[Number(slider.value)]}px`);
  localStorage.setItem(SIZE, slider.value);
}

const first = sizes.findIndex((size) => grid?.classList.contains(`size-${size}`));
slider.value = localStorage.getItem(SIZE) ?? String(first < 0 ? 2 : first);
slider.addEventListener("input", resize);
if (localStorage.getItem(SIZE) !== null) resize();

const going = sessionStorage.getItem(GOING);
sessionStorage.removeItem(GOING);
if (cells.length) show(going === "last" ? cells.length - 1 : 0);
if (cells.length && going) open();
