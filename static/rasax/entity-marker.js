// <entity-marker name text entities known [editable]>: a text in which entities are marked by mouse and by keyboard.
//
// `entities` is JSON, [{start, end, entity, value, role, group}] in code points, `known` JSON, names; both may be set
// anew. Its value in a form, under `name`, is JSON: {text, entities}. The surface is editable for the browser, so that
// the caret, its keys in both directions of writing and a screen reader work as everywhere; nothing can be typed in it.
// templates/data/_marker.html has what is in it; without JavaScript that is a field for [Berlin](city).
import { cut, following, including, pointsOf, sound, trimmed, wordAt } from "./entity-text.js";

const DETAILS = ["role", "group", "value"];
const MOST_KEYS = 9;
let made = 0;

class EntityMarker extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = ["text", "entities", "known"];

  #internals = this.attachInternals();
  #past = [];
  #range = { start: 0, end: 0 };

  connectedCallback() {
    if (!this.surface) this.#build();
    document.addEventListener("selectionchange", this.#follow);
  }

  disconnectedCallback() {
    document.removeEventListener("selectionchange", this.#follow);
  }

  attributeChangedCallback() {
    if (this.surface) this.#read();
  }

  formResetCallback() {
    this.#read();
  }

  get value() {
    return { text: this.text, entities: this.entities };
  }

  focus(options) {
    (this.surface ?? this).focus(options);
  }

  #build() {
    const template = this.querySelector("template");
    this.words = template.dataset;
    this.field = this.querySelector("[data-source]");
    this.field.removeAttribute("name");
    this.append(template.content.cloneNode(true));
    for (const part of ["surface", "choices", "details", "said"]) this[part] = this.querySelector(`[data-${part}]`);
    this.other = this.querySelector("[data-other]");
    this.#listen();
    this.#read();
  }

  #listen() {
    this.surface.addEventListener("beforeinput", (event) => event.preventDefault());
    this.surface.addEventListener("compositionend", () => this.#paint()); // the one thing that cannot be prevented
    this.surface.addEventListener("keydown", (event) => this.#press(event));
    this.choices.addEventListener("pointerdown", () => this.#follow());
    this.choices.addEventListener("click", (event) => this.#choose(event.target.closest("[data-entity]")));
    this.addEventListener("keydown", (event) => this.#pressInField(event));
    this.addEventListener("input", (event) => this.#type(event));
    this.querySelector("[data-remove]").addEventListener("click", () => this.#remove());
  }

  #read() {
    this.text = this.getAttribute("text") ?? "";
    this.entities = sound(JSON.parse(this.getAttribute("entities") || "[]"), this.text);
    this.known = JSON.parse(this.getAttribute("known") || "[]");
    this.field.value = this.text;
    this.field.closest("label").hidden = !this.hasAttribute("editable");
    this.#past = [];
    this.#range = { start: 0, end: 0 };
    this.#offer();
    this.#paint();
  }

  #offer() {
    const options = this.known.map((name) => Object.assign(document.createElement("option"), { value: name }));
    this.querySelector("datalist").replaceChildren(...options);
    made += 1;
    this.querySelector("datalist").id = `known-entities-${made}`;
    this.other.setAttribute("list", `known-entities-${made}`);
    this.choices.replaceChildren(...this.known.slice(0, MOST_KEYS).map((name, at) => this.#choice(name, at + 1)));
  }

  #choice(name, number) {
    const button = document.createElement("button");
    const [key, label] = [document.createElement("kbd"), document.createElement("bdi")];
    Object.assign(button, { type: "button", className: "btn btn-sm btn-outline-secondary" });
    button.dataset.entity = name;
    key.textContent = number;
    label.textContent = name;
    button.append(label, " ", key);
    return button;
  }

  // The mark that is selected, or that the caret is in or beside.
  get #current() {
    const { start, end } = trimmed(this.text, this.#range) ?? this.#range;
    if (start < end) return this.entities.find((each) => each.start === start && each.end === end);
    const beside = this.entities.filter((each) => each.start <= start && start <= each.end);
    return beside.find((each) => start < each.end) ?? beside[0];
  }

  #paint() {
    const points = pointsOf(this.text);
    const parts = [];
    let at = 0;
    for (const each of this.entities) {
      parts.push(points.slice(at, each.start).join(""), this.#mark(each, points));
      at = each.end;
    }
    parts.push(points.slice(at).join(""));
    this.surface.replaceChildren(...parts.filter((part) => part !== ""));
    this.#internals.setFormValue(JSON.stringify(this.value));
    this.#show();
  }

  #mark(entity, points) {
    const mark = document.createElement("mark");
    const more = DETAILS.filter((name) => entity[name]).map((name) => `${this.words[name]} ${entity[name]}`);
    mark.textContent = points.slice(entity.start, entity.end).join("");
    mark.dataset.name = [entity.entity, ...more].join(" · ");
    return mark;
  }

  #show() {
    const current = this.#current;
    [...this.surface.querySelectorAll("mark")].forEach((mark, at) => mark.classList.toggle("current", this.entities[at] === current));
    this.details.hidden = !current;
    for (const button of this.choices.children) button.setAttribute("aria-pressed", button.dataset.entity === current?.entity);
    if (!current) return;
    for (const name of DETAILS) {
      const field = this.details.querySelector(`[data-field=${name}]`);
      if (field !== document.activeElement) field.value = current[name] ?? "";
    }
  }

  #follow = () => {
    const selection = document.getSelection();
    if (!selection.rangeCount || !this.surface.contains(selection.anchorNode) || !this.surface.contains(selection.focusNode)) return;
    const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
    const range = { start: this.#offset(startContainer, startOffset), end: this.#offset(endContainer, endOffset) };
    if (range.start === this.#range.start && range.end === this.#range.end) return;
    this.#range = range;
    this.#show();
    this.#announce();
  };

  #offset(node, offset) {
    const range = document.createRange();
    range.setStart(this.surface, 0);
    range.setEnd(node, offset);
    return pointsOf(range.toString()).length;
  }

  #announce() {
    const current = this.#current;
    if (current) this.#say("within", cut(this.text, current), current.entity);
    else if (this.#range.start < this.#range.end) this.#say("selected", cut(this.text, this.#range));
    else this.said.textContent = "";
  }

  #say(key, ...values) {
    this.said.textContent = values.reduce((text, value) => text.replace("%s", () => value), this.words[key]);
  }

  // The browser's own selection, so that its keys go on from here.
  #select(start, end = start) {
    const [from, to] = [this.#place(start), this.#place(end)];
    this.#range = { start, end };
    document.getSelection().setBaseAndExtent(...from, ...to);
    this.#show();
  }

  #place(at) {
    const walker = document.createTreeWalker(this.surface, NodeFilter.SHOW_TEXT);
    let left = at;
    let last = [this.surface, 0];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const points = pointsOf(node.data);
      if (left <= points.length) return [node, points.slice(0, left).join("").length];
      left -= points.length;
      last = [node, node.data.length];
    }
    return last;
  }

  #press(event) {
    this.#follow(); // the event that tells of a selection may come after the next key
    const act = event.altKey ? undefined : this.#actOf(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #actOf({ key, code, ctrlKey, metaKey, shiftKey }) {
    if (ctrlKey || metaKey) return key === "z" ? () => this.#undo() : undefined;
    const [, digit] = (!shiftKey && /^(?:Digit|Numpad)([0-9])$/.exec(code)) || [];
    if (digit === "0") return () => this.other.select();
    if (digit) return () => this.#give(this.known[digit - 1]);
    if (key === "Backspace" || key === "Delete") return () => this.#remove();
    return key === "Enter" ? () => this.#enter() : undefined;
  }

  #enter() {
    const name = this.latest ?? this.known[0];
    if (this.#current) this.details.querySelector("[data-field]").select();
    else if (this.#range.start === this.#range.end) this.#internals.form?.requestSubmit();
    else if (name) this.#give(name);
    else this.other.select();
  }

  #pressInField(event) {
    if (!event.target.matches("[data-other], [data-field]")) return;
    if (event.key === "Enter" && event.target === this.other) this.#give(this.other.value.trim());
    else if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.#back();
  }

  #back() {
    const { start, end } = this.#range;
    this.surface.focus({ preventScroll: true });
    this.#select(start, end);
  }

  #choose(button) {
    if (button) this.#give(button.dataset.entity);
  }

  #give(name) {
    const current = this.#current;
    const place = current ?? trimmed(this.text, this.#range) ?? wordAt(this.text, this.#range.end);
    if (!name) return;
    if (!place) return this.#say("nothing");
    const { value, role, group } = current ?? {};
    this.#change(including(this.entities, JSON.parse(JSON.stringify({ start: place.start, end: place.end, entity: name, value, role, group }))));
    this.latest = name;
    this.other.value = "";
    this.surface.focus({ preventScroll: true });
    this.#select(place.end);
    this.#say("marked", cut(this.text, place), name);
  }

  #remove() {
    const current = this.#current;
    if (!current) return;
    this.#change(this.entities.filter((each) => each !== current));
    this.surface.focus({ preventScroll: true });
    this.#select(current.start, current.end);
    this.#say("removed", cut(this.text, current), current.entity);
  }

  #undo() {
    const before = this.#past.pop();
    if (!before) return;
    this.entities = before;
    this.#paint();
    this.#select(this.#range.end);
    this.#tell();
  }

  #change(entities) {
    this.#past.push(this.entities);
    this.entities = entities;
    this.#paint();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #type({ target }) {
    if (target === this.field) return this.#retype(target.value);
    const current = this.#current;
    if (!current || !target.matches("[data-field]")) return;
    const { [target.dataset.field]: _, ...others } = current;
    const value = target.value.trim();
    const changed = value ? { ...others, [target.dataset.field]: value } : others;
    this.#change(this.entities.map((each) => (each === current ? changed : each)));
  }

  #retype(text) {
    this.entities = following(this.entities, this.text, text);
    this.text = text;
    this.#past = [];
    this.#range = { start: 0, end: 0 };
    this.#paint();
    this.#tell();
  }
}

customElements.define("entity-marker", EntityMarker);
