// The lines that something is wrong with: a sign in the gutter, and a colour.
import { Decoration, EditorView, gutter, GutterMarker, RangeSet, StateEffect, StateField } from "../vendor/codemirror.min.js";

class Sign extends GutterMarker {
  constructor(text) {
    super();
    this.text = text;
  }

  eq(other) {
    return this.text === other.text;
  }

  toDOM() {
    return Object.assign(document.createElement("span"), { className: "sign", textContent: "!", title: this.text });
  }
}

const wrongLine = Decoration.line({ class: "cm-wrong" });
const change = StateEffect.define();

const field = StateField.define({
  create: () => ({ signs: RangeSet.empty, lines: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(change)) return effect.value;
    return transaction.docChanged ? { signs: value.signs.map(transaction.changes), lines: value.lines.map(transaction.changes) } : value;
  },
  provide: (own) => EditorView.decorations.from(own, (value) => value.lines),
});

export const marks = [field, gutter({ class: "cm-signs", markers: (view) => view.state.field(field).signs, initialSpacer: () => new Sign("") })];

export function showMarks(view, problems) {
  const { doc } = view.state;
  const byLine = new Map();
  for (const { line, text } of problems) {
    if (line >= 1) byLine.set(Math.min(line, doc.lines), text);
  }
  const sorted = [...byLine].sort(([one], [other]) => one - other);
  const at = (line) => doc.line(line).from;
  view.dispatch({ effects: change.of({
    signs: RangeSet.of(sorted.map(([line, text]) => new Sign(text).range(at(line)))),
    lines: RangeSet.of(sorted.map(([line]) => wrongLine.range(at(line)))),
  }) });
}
