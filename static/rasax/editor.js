// <yaml-editor> around a <textarea>: the same text in CodeMirror. The textarea stays the form's field, and without
// scripts it is the editor. CodeMirror lives in a shadow root, where it brings its styles as a constructed sheet: in the
// document it would make a <style> element, which the page's policy forbids.
import {
  acceptCompletion, autocompletion, completionKeymap, defaultKeymap, drawSelection, EditorState, EditorView,
  highlightActiveLine, highlightSpecialChars, history, historyKeymap, indentUnit, indentWithTab, keymap, lineNumbers, search,
  searchKeymap, yaml,
} from "../vendor/codemirror.min.js";
import { completions } from "./completing.js";
import { marks, showMarks } from "./editor_marks.js";
import { look } from "./editor_look.js";

// Chromium keeps the look of text that is typed over in a style attribute, which the page's policy forbids; so it is replaced here.
const typingOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    if (event.inputType !== "insertText" || !event.data || state.selection.main.empty || view.composing) return false;
    if (!state.readOnly) view.dispatch(state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

const words = JSON.parse(document.getElementById("editor-words")?.textContent ?? "{}");

class YamlEditor extends HTMLElement {
  connectedCallback() {
    if (this.view) return;
    this.field = this.querySelector("textarea");
    this.label = document.querySelector(`label[for="${this.field.id}"]`);
    const root = this.attachShadow({ mode: "open" });
    this.view = new EditorView({ state: this.start(), parent: root, root });
    this.label?.addEventListener("click", () => this.view.focus());
    this.field.form?.addEventListener("submit", () => { this.saved = this.text; });
    this.saved = "unsaved" in this.dataset ? null : this.text; // an answer to a form that saved nothing
    this.classList.add("made");
    if (this.field.autofocus) this.view.focus();
  }

  start() {
    const may = !this.field.readOnly;
    return EditorState.create({
      doc: this.field.value,
      extensions: [
        lineNumbers(), highlightSpecialChars(), history(), drawSelection(), highlightActiveLine(), yaml(), indentUnit.of("  "), search({ top: true }),
        EditorView.lineWrapping, EditorState.readOnly.of(!may), EditorState.phrases.of(words),
        EditorView.contentAttributes.of(this.attributesOfContent(may)),
        autocompletion({ override: [completions(this.dataset.kind, this.dataset.names)], icons: false }),
        keymap.of([
          { key: "Mod-s", run: () => this.save(), preventDefault: true }, { key: "Tab", run: acceptCompletion },
          ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab,
        ]),
        EditorView.updateListener.of((update) => { if (update.docChanged) this.changed(); }),
        typingOver, marks, look,
      ],
    });
  }

  attributesOfContent(may) {
    const described = this.field.getAttribute("aria-describedby");
    const help = described ? document.getElementById(described)?.textContent.trim() : "";
    const name = { "aria-label": this.label?.textContent.trim() ?? "", dir: "ltr", spellcheck: "false", tabindex: "0" };
    return { ...name, ...(help ? { "aria-description": help } : {}), ...(may ? {} : { "aria-readonly": "true" }) };
  }

  get text() {
    return this.view.state.doc.toString();
  }

  get isChanged() {
    return this.text !== this.saved;
  }

  changed() {
    this.field.value = this.text;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  save() {
    const button = this.field.form?.querySelector("[data-save]");
    if (button) this.field.form.requestSubmit(button);
    return true;
  }

  // Lines from 1; one that is past the end is the last.
  goTo(line) {
    const { doc } = this.view.state;
    const { from } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  // [{line, text}]
  mark(problems) {
    showMarks(this.view, problems);
  }
}

customElements.define("yaml-editor", YamlEditor);

const editors = () => [...document.querySelectorAll("yaml-editor")];

const problems = [...document.querySelectorAll("[data-line]")].map((link) => ({ line: Number(link.dataset.line), text: link.textContent.trim() }));
if (problems.length) editors()[0]?.mark(problems);

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  editors()[0]?.goTo(Number(link.dataset.line));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
  event.preventDefault();
  editors()[0]?.save();
});

window.addEventListener("beforeunload", (event) => {
  if (editors().some((editor) => editor.isChanged)) event.preventDefault();
});
