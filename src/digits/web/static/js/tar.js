// @ts-check
/**
 * A tar archive of files that is never there as a whole: any slice of it is made when it is asked for.
 *
 * POSIX ustar headers; a name that is longer than 100 bytes or not ASCII, and a size of 8 GiB and more, go into a pax header before.
 */

const BLOCK = 512;
const LARGEST = 8 ** 11;
const encoder = new TextEncoder();

/** @typedef {{path: string, file: Blob & {lastModified?: number}}} Entry */

/** An archive of files with their relative paths. */
export class Tar {
  /** @param {Entry[]} entries @param {string} name what the archive is called */
  constructor(entries, name) {
    this.name = name;
    this.count = entries.length;
    this.entries = entries;
    /** Where each entry begins; the last number is where the end mark begins. */
    this.offsets = new Float64Array(entries.length + 1);
    entries.forEach((entry, index) => {
      this.offsets[index + 1] = this.offsets[index] + headBytes(entry) + padded(entry.file.size);
    });
    this.size = this.offsets[entries.length] + 2 * BLOCK;
  }

  /** The bytes from `start` up to `end`; files are read when the blob is. @param {number} start @param {number} end @returns {Blob} */
  slice(start, end) {
    const parts = /** @type {BlobPart[]} */ ([]);
    const add = (/** @type {number} */ at, /** @type {Blob | Uint8Array} */ part) => {
      const length = part instanceof Blob ? part.size : part.length;
      const from = Math.max(0, start - at);
      const to = Math.min(length, end - at);
      if (from < to) parts.push(/** @type {BlobPart} */ (part.slice(from, to)));
    };
    for (let index = this.indexAt(start); index < this.count && this.offsets[index] < end; index += 1) {
      const { file } = this.entries[index];
      const head = header(this.entries[index]);
      const body = this.offsets[index] + head.length;
      add(this.offsets[index], head);
      add(body, file);
      add(body + file.size, new Uint8Array(padded(file.size) - file.size));
    }
    add(this.offsets[this.count], new Uint8Array(2 * BLOCK));
    return new Blob(parts);
  }

  /** The entry that holds byte `place`. @param {number} place */
  indexAt(place) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1] <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** @param {number} bytes */
const padded = (bytes) => Math.ceil(bytes / BLOCK) * BLOCK;

/** @param {Entry} entry */
function headBytes(entry) {
  const pax = paxRecords(entry).length;
  return BLOCK + (pax ? BLOCK + padded(pax) : 0);
}

/** @param {Entry} entry */
function header(entry) {
  const pax = paxRecords(entry);
  const own = block(entry.path, entry.file.size, "0", entry.file.lastModified ?? 0);
  if (!pax.length) return own;
  const all = new Uint8Array(2 * BLOCK + padded(pax.length));
  all.set(block("pax", pax.length, "x", 0));
  all.set(pax, BLOCK);
  all.set(own, BLOCK + padded(pax.length));
  return all;
}

/** What an ustar header cannot say. @param {Entry} entry */
function paxRecords({ path, file }) {
  const records = [];
  if (encoder.encode(path).length > 100 || /[^\x20-\x7e]/.test(path)) records.push(record("path", path));
  if (file.size >= LARGEST) records.push(record("size", String(file.size)));
  const length = records.reduce((sum, each) => sum + each.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const each of records) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}

/** "30 path=cat/1.png\n", where the number counts itself. @param {string} key @param {string} value */
function record(key, value) {
  const rest = encoder.encode(` ${key}=${value}\n`);
  let digits = String(rest.length).length;
  while (String(rest.length + digits).length > digits) digits += 1;
  const line = new Uint8Array(rest.length + digits);
  line.set(encoder.encode(String(rest.length + digits)));
  line.set(rest, digits);
  return line;
}

/** @param {string} name @param {number} size @param {string} type @param {number} modified milliseconds */
function block(name, size, type, modified) {
  const bytes = new Uint8Array(BLOCK);
  const put = (/** @type {string} */ text, /** @type {number} */ at) => bytes.set(encoder.encode(text), at);
  const octal = (/** @type {number} */ value, /** @type {number} */ digits) => value.toString(8).padStart(digits, "0");
  put(name.replace(/[^\x20-\x7e]/g, "_").slice(-100), 0);
  put("0000644\0" + "0000000\0".repeat(2), 100);
  put(octal(size >= LARGEST ? 0 : size, 11), 124);
  put(octal(Math.min(LARGEST - 1, Math.max(0, Math.floor(modified / 1000))), 11), 136);
  put(" ".repeat(8) + type, 148);
  put("ustar\0" + "00", 257);
  put(octal(bytes.reduce((sum, each) => sum + each, 0), 6) + "\0 ", 148);
  return bytes;
}
