// @ts-check
/** Sends something large in pieces of 8 MB; after a broken connection it asks how much has come, and goes on. */

import { json, Refused, url } from "./http.js";

const PIECE_BYTES = 8 << 20;
const PATIENCE = 8;
/** Seconds before each next try; a piece that arrives begins them anew. */
const WAITS_S = [0.5, 1, 2, 4, 8, 15, 30, 30];
const RATE_OVER_MS = 4000;

/** @typedef {{name: string, size: number, slice: (start: number, end: number) => Blob}} Source a File, or a Tar */
/** @typedef {{done: number, rate: number, elapsed_s: number, left_s: number | null, trouble: string}} Progress */

/** The connection broke: the same piece may be tried again. */
class BrokenError extends Error {}

/** One upload on its way. */
export class Transfer {
  /** @param {Source} source @param {(progress: Progress) => void} tell told some times a second */
  constructor(source, tell) {
    this.source = source;
    this.tell = tell;
    this.id = "";
    this.offset = 0;
    this.isCancelled = false;
    /** @type {XMLHttpRequest | null} */
    this.request = null;
    this.began = performance.now();
    /** @type {[number, number][]} */
    this.marks = [];
  }

  /**
   * Send all, and return the upload's id; may be called again after it failed.
   * @returns {Promise<string>}
   * @throws {Refused} the server does not want it, or does not answer for long
   */
  async run() {
    let tries = 0;
    while (!this.isCancelled) {
      try {
        if (!this.id) this.id = (await json("POST", url("/uploads"), { name: this.source.name, size: String(this.source.size) })).upload_id;
        if (tries) this.offset = (await json("GET", url(`/uploads/${this.id}`))).offset;
        if (this.offset >= this.source.size) return this.id;
        this.offset = await this.put();
        tries = 0;
      } catch (error) {
        if (this.isCancelled) break;
        const mayPass = error instanceof BrokenError || (error instanceof Refused && (error.status === 0 || error.status >= 502));
        if (!mayPass || tries >= PATIENCE) throw error;
        await this.wait(WAITS_S[tries]);
        tries += 1;
      }
    }
    throw new DOMException("Cancelled", "AbortError");
  }

  /** Stop, and let the server forget what has come. */
  cancel() {
    this.isCancelled = true;
    this.request?.abort();
    if (this.id) json("DELETE", url(`/uploads/${this.id}`)).catch(() => undefined);
  }

  /** Wait, counting down. @param {number} seconds */
  async wait(seconds) {
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until && !this.isCancelled) {
      const left = Math.ceil((until - performance.now()) / 1000);
      this.say(0, `The connection broke. It goes on in ${left} s.`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(250, seconds * 1000)));
    }
  }

  /** Send the piece at `offset`, and return where the next one begins. @returns {Promise<number>} */
  async put() {
    const start = this.offset;
    const piece = this.source.slice(start, Math.min(this.source.size, start + PIECE_BYTES));
    let body;
    try {
      body = await piece.arrayBuffer();
    } catch {
      throw new Refused("A file has changed or gone since it was chosen. Choose it again.", 400);
    }
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("PUT", url(`/uploads/${this.id}?offset=${start}`));
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (event) => this.say(event.loaded);
      request.onload = () => {
        const answer = parsed(request.responseText);
        if (request.status === 200) resolve(answer.offset);
        else if (request.status === 409) reject(new BrokenError("The piece belongs elsewhere."));
        else reject(new Refused(answer.error?.description ?? answer.error?.message ?? `The server answered ${request.status}.`, request.status));
      };
      request.onerror = request.onabort = () => reject(new BrokenError("The connection broke."));
      request.send(body);
    });
  }

  /** @param {number} sent bytes of the present piece @param {string} [trouble] */
  say(sent, trouble = "") {
    const now = performance.now();
    const done = Math.min(this.source.size, this.offset + sent);
    this.marks.push([now, done]);
    while (this.marks.length > 2 && now - this.marks[0][0] > RATE_OVER_MS) this.marks.shift();
    const [since, before] = this.marks[0];
    const rate = now > since ? Math.max(0, (1000 * (done - before)) / (now - since)) : (1000 * done) / Math.max(1, now - this.began);
    this.tell({ done, rate, elapsed_s: (now - this.began) / 1000, left_s: rate ? (this.source.size - done) / rate : null, trouble });
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
