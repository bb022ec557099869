// @ts-check
/** Pages of results: the matrix in counts or shares, tables sorted by a head, and as CSV. */

document.addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.name !== "cells") return;
  for (const cell of document.querySelectorAll("#confusion td[data-share]")) {
    const { dataset } = /** @type {HTMLElement} */ (cell);
    const words = cell.firstElementChild ?? cell; // the link to its pictures
    dataset.count ??= words.textContent ?? "";
    words.textContent = (input.value === "shares" ? dataset.share : dataset.count) ?? "";
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

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-sorts] th button");
  const head = /** @type {HTMLTableCellElement | null} */ (button?.closest("th") ?? null);
  const table = head?.closest("table");
  if (!head || !table) return;
  const sort = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sort);
  const turn = sort === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.cells[head.cellIndex].textContent?.trim() ?? "" }));
  rows.sort((a, b) => turn * compared(a.text, b.text));
  table.tBodies[0].append(...rows.map(({ row }) => row));
});

/** Numbers by their size, a dash before all, names as people count them. @param {string} a @param {string} b */
function compared(a, b) {
  const [x, y] = [a, b].map((text) => (text === "–" ? -Infinity : Number(text.replaceAll(",", ""))));
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x === y ? 0 : x - y;
}

/** A cell as CSV; text that a spreadsheet would run gets an apostrophe. @param {HTMLTableCellElement} cell */
function cellText(cell) {
  let text = (cell.textContent ?? "").trim();
  if (/^[\d,]+(\.\d+)?$/.test(text)) return text.replaceAll(",", "");
  if (/^[=+\-@]/.test(text)) text = "'" + text;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
