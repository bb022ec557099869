// @ts-check
/** The editor of a network's text: Ace with line numbers and our colours, an error under its line with what was probably meant. */

const ace = /** @type {any} */ (window).ace;

const PYTHON_WORDS =
  "and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield";

/** Rules of colouring by language: comments, strings, numbers; in prototxt names before "{" and ":", in Python its words and what is called. */
const RULES = {
  prototxt: {
    start: [
      { token: "comment", regex: "#.*$" },
      { token: "string", regex: '"(?:[^"\\\\]|\\\\.)*"?' },
      { token: "string", regex: "'(?:[^'\\\\]|\\\\.)*'?" },
      { token: "keyword", regex: "[A-Za-z_][A-Za-z_0-9]*(?=\\s*\\{)" },
      { token: "variable", regex: "[A-Za-z_][A-Za-z_0-9]*(?=\\s*:)" },
      { token: "constant", regex: "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?\\b" },
      { token: "constant", regex: "\\b(?:true|false|[A-Z][A-Z_]+)\\b" },
    ],
  },
  py: {
    start: [
      { token: "comment", regex: "#.*$" },
      { token: "string", regex: '"""', next: "text" },
      { token: "string", regex: '"(?:[^"\\\\]|\\\\.)*"?' },
      { token: "string", regex: "'(?:[^'\\\\]|\\\\.)*'?" },
      { token: "keyword", regex: `\\b(?:${PYTHON_WORDS})\\b` },
      { token: "constant", regex: "\\b(?:True|False|None|\\d+\\.?\\d*(?:[eE][-+]?\\d+)?)\\b" },
      { token: "variable", regex: "[A-Za-z_][A-Za-z_0-9]*(?=\\s*\\()" },
      { token: "identifier", regex: "[A-Za-z_][A-Za-z_0-9]*" },
    ],
    text: [
      { token: "string", regex: '.*?"""', next: "start" },
      { defaultToken: "string" },
    ],
  },
};

/** @param {string} language "prototxt" or "py" */
function mode(language) {
  const { Mode } = ace.require("ace/mode/text");
  const { TextHighlightRules } = ace.require("ace/mode/text_highlight_rules");
  class Rules extends TextHighlightRules {
    constructor() {
      super();
      this.$rules = structuredClone(RULES[/** @type {keyof typeof RULES} */ (language)] ?? RULES.prototxt);
    }
  }
  class Language extends Mode {
    constructor() {
      super();
      this.HighlightRules = Rules;
      this.lineCommentStart = "#";
      this.$id = `digits/${language}`;
    }
  }
  return new Language();
}

/**
 * Put an editor in the place of a text area, which keeps carrying the text into the form.
 * @param {HTMLElement} box
 * @param {HTMLTextAreaElement} area
 * @param {() => void} changed
 */
export function makeEditor(box, area, changed) {
  ace.config.set("useStrictCSP", true);
  const editor = ace.edit(box, { showPrintMargin: false, tabSize: 2, useSoftTabs: true, useWorker: false, displayIndentGuides: false, wrap: false });
  const { LineWidgets } = ace.require("ace/line_widgets");
  const { Range } = ace.require("ace/range");
  editor.session.setMode(mode("prototxt"));
  editor.session.setUseWorker(false);
  editor.setValue(area.value, -1);
  editor.textInput.getElement().setAttribute("aria-label", "Custom Network");
  editor.session.on("change", () => {
    area.value = editor.getValue();
    changed();
  });
  area.hidden = true;
  box.hidden = false;
  editor.resize();

  /** @type {any} */
  let widget = null;
  /** @type {number | null} */
  let marker = null;

  const clear = () => {
    editor.session.clearAnnotations();
    if (marker !== null) editor.session.removeMarker(marker);
    if (widget) editor.session.widgetManager.removeLineWidget(widget);
    marker = null;
    widget = null;
  };

  return {
    text: () => /** @type {string} */ (editor.getValue()),

    /** @param {string} text */
    setText(text) {
      editor.setValue(text, -1);
      editor.session.getUndoManager().reset();
    },

    /** @param {string} language "prototxt" or "py" */
    setLanguage(language) {
      editor.session.setMode(mode(language));
      editor.session.setTabSize(language === "py" ? 4 : 2);
    },

    focus: () => editor.focus(),
    resize: () => editor.resize(true),
    clear,

    /** @param {number} line from 1 */
    goTo(line) {
      editor.gotoLine(line, 0, true);
      editor.scrollToLine(line - 1, true, true, () => {});
      editor.focus();
    },

    /** Open the words under a line. @param {number} line from 1 @param {Node[]} words */
    showError(line, ...words) {
      clear();
      const row = Math.min(Math.max(0, line - 1), editor.session.getLength() - 1);
      editor.session.setAnnotations([{ row, column: 0, type: "error", text: words.map((word) => word.textContent).join(" ") }]);
      marker = editor.session.addMarker(new Range(row, 0, row, 1), "bad-line", "fullLine");
      if (!editor.session.widgetManager) {
        editor.session.widgetManager = new LineWidgets(editor.session);
        editor.session.widgetManager.attach(editor);
      }
      const el = document.createElement("div");
      el.className = "bad-word";
      el.setAttribute("role", "alert");
      el.append(...words);
      widget = { row, fixedWidth: true, coverGutter: false, el };
      editor.session.widgetManager.addLineWidget(widget);
    },

    /** Put another word in the place of a quoted or bare one of a line. @param {number} line @param {string} old @param {string} better */
    replace(line, old, better) {
      const row = line - 1;
      const text = /** @type {string} */ (editor.session.getLine(row));
      const at = text.indexOf(old);
      if (at >= 0) editor.session.replace(new Range(row, at, row, at + old.length), better);
    },

    /** @param {number} line */
    lineText: (line) => /** @type {string} */ (editor.session.getLine(line - 1) ?? ""),
  };
}
