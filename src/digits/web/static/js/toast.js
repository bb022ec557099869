// @ts-check
/** Short messages at the lower left that go after six seconds; what matters stands on the page too. */

const SECONDS = 6;

/** @param {string} text @param {{href: string, text: string}} [link] */
export function toast(text, link) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const box = document.createElement("p");
  box.className = "toast";
  box.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    box.append(" ", anchor);
  }
  place.append(box);
  setTimeout(() => box.remove(), SECONDS * 1000);
}

const KEPT = "digits.toast";

/** Show a message on the page that comes next. @param {string} text */
export function toastLater(text) {
  sessionStorage.setItem(KEPT, text);
}

const kept = sessionStorage.getItem(KEPT);
if (kept) {
  sessionStorage.removeItem(KEPT);
  toast(kept);
}
