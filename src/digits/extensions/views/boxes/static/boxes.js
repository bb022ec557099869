// @ts-check
/** Boxes over their picture: which are shown, and as CSV or JSON. */

const box = document.getElementById("boxes");
if (box) start(box);

/** @param {HTMLElement} box */
function start(box) {
  const $ = (/** @type {string} */ id) => /** @type {HTMLInputElement | null} */ (document.getElementById(id));
  const rows = /** @type {HTMLTableRowElement[]} */ ([...document.querySelectorAll("#boxes-table tr[data-box]")]);
  const shapes = new Map([...box.querySelectorAll("g[data-box]")].map((each) => [/** @type {SVGElement} */ (each).dataset.box, each]));
  const kinds = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll(".boxes-classes input")]);
  const colours = new Map(kinds.map((each) => [each.dataset.label, each.dataset.colour ?? ""]));
  const found = /** @type {SVGElement} */ (box.querySelector(".boxes-found"));
  const truths = /** @type {SVGElement} */ (box.querySelector(".boxes-true"));
  for (const each of kinds) {
    const swatch = /** @type {HTMLElement} */ (each.parentElement?.querySelector(".swatch"));
    swatch.style.background = each.dataset.colour ?? "";
  }
  for (const row of rows) {
    const shape = /** @type {SVGElement} */ (shapes.get(row.dataset.box));
    /** @type {SVGElement} */ (shape.firstElementChild).style.stroke = colours.get(row.dataset.label) ?? "";
    for (const each of [row, shape]) {
      each.addEventListener("pointerenter", () => mark(row, true));
      each.addEventListener("pointerleave", () => mark(row, false));
    }
  }

  /** @param {HTMLTableRowElement} row @param {boolean} on */
  function mark(row, on) {
    row.classList.toggle("under", on);
    shapes.get(row.dataset.box)?.classList.toggle("under", on);
  }

  function shownRows() {
    const least = Number($("boxes-threshold")?.value ?? 0);
    const labels = new Set(kinds.filter((each) => each.checked).map((each) => each.dataset.label));
    return rows.filter((row) => Number(row.dataset.confidence) > least && labels.has(row.dataset.label));
  }

  function show() {
    const shown = new Set(shownRows());
    for (const row of rows) {
      row.hidden = !shown.has(row);
      shapes.get(row.dataset.box)?.toggleAttribute("hidden", row.hidden);
    }
    const least = Number($("boxes-threshold")?.value ?? 0);
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".boxes-classes [data-count]"))) {
      const sure = rows.filter((row) => row.dataset.label === each.dataset.count && Number(row.dataset.confidence) > least);
      each.textContent = String(sure.length);
    }
    $("boxes-none")?.toggleAttribute("hidden", rows.some((row) => Number(row.dataset.confidence) > least));
    const count = shown.size;
    /** @type {HTMLElement} */ ($("boxes-count")).textContent = `${count} ${count === 1 ? "box" : "boxes"}`;
    found.style.opacity = String(Number($("boxes-opacity")?.value ?? 100) / 100);
    truths.toggleAttribute("hidden", !($("boxes-true")?.checked ?? true));
    for (const [id, unit] of [["boxes-threshold", ""], ["boxes-opacity", " %"]]) {
      const input = $(id);
      const output = input?.parentElement?.querySelector("output");
      if (output) output.textContent = (unit ? String(input?.value) : Number(input?.value).toPrecision(2)) + unit;
    }
    const right = [...shown].filter((row) => row.dataset.iou).length;
    const told = { "boxes-right": right, "boxes-missed": truths.childElementCount - right };
    for (const [id, value] of Object.entries(told)) if ($(id)) /** @type {HTMLElement} */ ($(id)).textContent = String(value);
  }

  document.addEventListener("input", (event) => {
    if (/** @type {Element} */ (event.target).closest("#boxes, .boxes-classes")) show();
  });

  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-boxes]");
    if (!(button instanceof HTMLElement)) return;
    const boxes = shownRows().map((row) => {
      const [left, top, right, bottom] = (row.dataset.values ?? "").split(" ").map(Number);
      return { label: row.dataset.label ?? "", confidence: Number(row.dataset.confidence), left, top, right, bottom };
    });
    const csv = [["label", "confidence", "left", "top", "right", "bottom"], ...boxes.map((each) => Object.values(each).map(cell))];
    const text = button.dataset.boxes === "json" ? JSON.stringify(boxes, null, 2) : csv.map((line) => line.join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], { type: button.dataset.boxes === "json" ? "application/json" : "text/csv" }));
    link.download = `boxes.${button.dataset.boxes}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  show();
}

/** A value as CSV; text that a spreadsheet would run gets an apostrophe. @param {string | number} value */
function cell(value) {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@]/.test(value) ? "'" + value : value;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
