// @ts-check
/** What every form needs: fields that count only with a choice, check boxes that open more, server paths that complete. */

import { json, url } from "./http.js";

/** Show `[data-only="name=value|value"]` and `[data-when="box|!box|name=value|name!=value"]` parts by what is chosen: one is enough. @param {HTMLFormElement} form */
function showChosen(form) {
  const data = new FormData(form);
  for (const part of form.querySelectorAll("[data-only]")) {
    const [name, values] = (/** @type {HTMLElement} */ (part).dataset.only ?? "").split("=");
    /** @type {HTMLElement} */ (part).hidden = !values.split("|").includes(String(data.get(name) ?? ""));
  }
  for (const part of form.querySelectorAll("[data-when]")) {
    const rules = (/** @type {HTMLElement} */ (part).dataset.when ?? "").split("|");
    /** @type {HTMLElement} */ (part).hidden = !rules.some((rule) => {
      const [name, value] = rule.split(/!?=/);
      if (value !== undefined) return (data.get(name) === value) !== rule.includes("!=");
      return data.has(name.replace(/^!/, "")) !== name.startsWith("!");
    });
  }
}

for (const form of document.querySelectorAll("form[data-form]")) {
  const shown = /** @type {HTMLFormElement} */ (form);
  shown.addEventListener("change", () => showChosen(shown));
  showChosen(shown);
}

/** Complete server paths below `input[data-path]`, as one types; of several, separated by ":", the last one. @param {HTMLInputElement} input */
function completePaths(input) {
  const list = document.createElement("div");
  list.className = "path-list";
  list.id = input.id + "-paths";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-autocomplete", "list");
  let timer = 0;
  let asked = 0;
  let at = -1;

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const before = () => (input.dataset.path === "paths" ? input.value.slice(0, input.value.lastIndexOf(":") + 1) : "");
  const typed = () => input.value.slice(before().length);
  const options = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const take = (/** @type {HTMLElement} */ option) => {
    input.value = before() + (option.textContent ?? "");
    close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const mark = (/** @type {number} */ index) => {
    at = index;
    options().forEach((option, number) => option.setAttribute("aria-selected", String(number === index)));
    const chosen = options()[index];
    if (chosen) {
      chosen.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", chosen.id);
    }
  };
  const ask = async () => {
    const mine = ++asked;
    if (!typed().startsWith("/") && !typed().startsWith("~")) return close();
    try {
      const { suggestions } = await json("GET", url("/autocomplete/path?query=") + encodeURIComponent(typed()));
      if (mine !== asked || document.activeElement !== input) return;
      list.replaceChildren(
        ...suggestions.slice(0, 50).map((/** @type {any} */ path, /** @type {number} */ index) => {
          const option = document.createElement("div");
          option.id = `${list.id}-${index}`;
          option.setAttribute("role", "option");
          option.textContent = typeof path === "string" ? path : path.value;
          option.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            take(option);
          });
          return option;
        }),
      );
      at = -1;
      const alone = suggestions.length === 1 && options()[0].textContent === typed();
      list.hidden = suggestions.length === 0 || alone;
      input.setAttribute("aria-expanded", String(!list.hidden));
    } catch {
      close();
    }
  };

  input.addEventListener("input", (event) => {
    if (!event.isTrusted) return;
    clearTimeout(timer);
    timer = window.setTimeout(ask, 150);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const count = options().length;
    if (event.key === "ArrowDown") mark((at + 1) % count);
    else if (event.key === "ArrowUp") mark((at - 1 + count) % count);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(options()[at]);
    else return;
    if (event.key !== "Tab") event.preventDefault();
  });
}

for (const input of document.querySelectorAll("input[data-path]")) completePaths(/** @type {HTMLInputElement} */ (input));

// A link in the summary of problems leads to its field.
document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest(".form-problems a");
  if (!link) return;
  document.getElementById((link.getAttribute("href") ?? "").slice(1))?.focus();
});
