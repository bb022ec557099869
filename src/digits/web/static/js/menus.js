// @ts-check
/** Menus are details: they open without a script; here they close on Escape, on a click elsewhere, and arrows move in them. */

/** @param {Element | null} except */
function closeAll(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.removeAttribute("open");
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  closeAll(target.closest("details.menu"));
});

document.addEventListener("keydown", (event) => {
  const menu = document.activeElement?.closest("details.menu[open]");
  if (!menu) return;
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(".menu-item, .menu-choice input")]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (event.key === "Escape") {
    menu.removeAttribute("open");
    /** @type {HTMLElement} */ (menu.querySelector("summary")).focus();
  } else if (event.key === "ArrowDown") {
    items[Math.min(at + 1, items.length - 1)]?.focus();
  } else if (event.key === "ArrowUp") {
    items[Math.max(at - 1, 0)]?.focus();
  } else {
    return;
  }
  event.preventDefault();
});

// Help texts near the right edge open to the left; Escape closes them.
document.addEventListener("focusin", (event) => place(/** @type {Element} */ (event.target)));
document.addEventListener("pointerover", (event) => place(/** @type {Element} */ (event.target)));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const help of document.querySelectorAll(".help:is(:hover, :focus-within)")) help.classList.add("closed");
});

/** @param {Element} target */
function place(target) {
  const help = target.closest?.(".help");
  if (!help) return;
  help.classList.remove("closed");
  help.classList.toggle("flip", help.getBoundingClientRect().left + 280 > document.documentElement.clientWidth);
}
