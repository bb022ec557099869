// @ts-check
/** Requests to our own server: addresses below the proxy's prefix, and errors as one sentence. */

const base = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="base"]'))?.content ?? "";

/** The address of a path of ours. @param {string} path @returns {string} */
export function url(path) {
  return base + path;
}

/** What the server could not do, in its own words. */
export class Refused extends Error {
  /**
   * @param {string} message place, fact and hint in one
   * @param {number} status
   * @param {{where?: string, hint?: string}} [parts]
   */
  constructor(message, status, { where = "", hint = "" } = {}) {
    super(message);
    this.status = status;
    this.where = where;
    this.hint = hint;
    /** The fact alone. */
    this.fact = (where && message.startsWith(where + ": ") ? message.slice(where.length + 2) : message).replace(hint, "").trim();
  }
}

/**
 * Send a request, and return the answer's text.
 * @param {string} method
 * @param {string} address a whole address (see `url`)
 * @param {Record<string, string | string[]> | FormData | null} [fields]
 * @param {AbortSignal} [signal]
 * @param {string} [accept] what is wanted, where there is a choice
 * @returns {Promise<string>}
 * @throws {Refused}
 */
export async function send(method, address, fields = null, signal, accept = "application/json") {
  let response;
  try {
    response = await fetch(address, {
      method,
      body: fields === null ? undefined : fields instanceof FormData ? fields : encoded(fields),
      headers: { Accept: accept },
      signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is it still running?", 0);
  }
  const text = await response.text();
  if (!response.ok) throw refusal(text, response.status);
  return text;
}

/**
 * Send a request, and return the JSON of the answer.
 * @param {string} method
 * @param {string} address
 * @param {Record<string, string | string[]> | FormData | null} [fields]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function json(method, address, fields = null, signal) {
  return JSON.parse(await send(method, address, fields, signal));
}

/** @param {Record<string, string | string[]>} fields */
function encoded(fields) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of Array.isArray(value) ? value : [value]) body.append(name, each);
  }
  return body;
}

/** @param {string} text @param {number} status */
function refusal(text, status) {
  try {
    const answer = JSON.parse(text);
    if (answer.errors) return new Refused(Object.values(answer.errors).flat().join(" "), status);
    const error = answer.error ?? {};
    return new Refused(typeof error === "string" ? error : error.description || error.message || text, status, error);
  } catch {
    const short = text.trim();
    return new Refused(short && !short.startsWith("<") && short.length < 400 ? short : `The server answered ${status}.`, status);
  }
}
