// @ts-check
/** Pages of results: the matrix in counts or shares, and tables as CSV. */

document.addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.name !== "cells") return;
  for (const cell of document.querySelectorAll("#confusion td[data-share]")) {
    const { dataset } = /** @type {HTMLElement} */ (cell);
    dataset.count ??= cell.textContent ?? "";
    cell.textContent = (input.value === "shares" ? dataset.share : dataset.count) ?? "";
  }
});

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-csv]");
  if (!(button instanceof HTMLElement)) return;
  const table = /** @type {HTMLTableElement} */ (document.getElementById(button.dataset.csv ?? ""));
  const lines = [...table.rows].map((row) => [...row.cells].filter((cell) => !cell.querySelector("svg")).map(cellText).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = `${button.dataset.csv}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

/** A cell as CSV; text that a spreadsheet would run gets an apostrophe. @param {HTMLTableCellElement} cell */
function cellText(cell) {
  let text = (cell.textContent ?? "").trim();
  if (/^[\d,]+(\.\d+)?$/.test(text)) return text.replaceAll(",", "");
  if (/^[=+\-@]/.test(text)) text = "'" + text;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
