// @ts-check
/** What was dropped or picked: one file, or a folder or many files as one archive with their relative paths. */

import { Tar } from "./tar.js";

const ARCHIVE = /\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$/i;

/** Whether files are being dragged. @param {DragEvent} event */
export const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/**
 * What was dropped. It must be called while the event is handled: browsers take the list away afterwards.
 * @param {DataTransfer} data
 * @param {(count: number) => void} tell told how many files were found
 * @returns {Promise<File | Tar | null>} null where there was none
 */
export async function dropped(data, tell) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  if (!entries.length) return together([...data.files].map((file) => ({ path: file.name, file })), "pictures");
  /** @type {import("./tar.js").Entry[]} */
  const found = [];
  for (const entry of entries) await walk(entry, "", found, tell);
  const folder = entries.length === 1 && entries[0].isDirectory;
  if (entries.length === 1 && !folder && ARCHIVE.test(entries[0].name)) return /** @type {File} */ (found[0].file);
  return together(found, folder ? entries[0].name : "pictures");
}

/** What was picked in a dialog for a folder. @param {FileList} files @returns {Tar | null} */
export function picked(files) {
  const entries = [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return together(entries, entries[0]?.path.split("/")[0] ?? "");
}

/** @param {import("./tar.js").Entry[]} entries @param {string} name */
function together(entries, name) {
  return entries.length ? new Tar(entries, `${name}.tar`) : null;
}

/** @param {FileSystemEntry} entry @param {string} prefix @param {import("./tar.js").Entry[]} found @param {(count: number) => void} tell */
async function walk(entry, prefix, found, tell) {
  const path = prefix + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    found.push({ path, file: /** @type {File} */ (file) });
    if (found.length % 100 === 0) tell(found.length);
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    const children = /** @type {FileSystemEntry[]} */ (await new Promise((resolve, reject) => reader.readEntries(resolve, reject)));
    if (!children.length) return; // a reader gives a hundred at a time
    for (const child of children) await walk(child, `${path}/`, found, tell);
  }
}
