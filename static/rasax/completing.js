// What may stand at the cursor of a Rasa file: the keys of Rasa's formats, and the names that the project knows.
const KEYS = {
  story: ["story", "steps", "metadata"],
  rule: ["rule", "steps", "condition", "conversation_start", "wait_for_user_input"],
  test: ["story", "steps"],
  steps: ["intent", "user", "action", "bot", "entities", "slot_was_set", "active_loop", "checkpoint", "or"],
  or: ["intent", "user", "slot_was_set"],
  response: ["text", "buttons", "image", "custom", "channel", "condition", "attachment", "metadata", "id"],
  buttons: ["title", "payload"],
  condition: ["type", "name", "value", "slot_was_set", "active_loop"],
  slot: ["type", "influence_conversation", "mappings", "initial_value", "values", "min_value", "max_value"],
  mappings: ["type", "entity", "intent", "not_intent", "value", "role", "group", "conditions"],
  form: ["required_slots", "ignored_intents"],
  session_config: ["session_expiration_time", "carry_over_slots_to_new_session"],
};
const SLOT_TYPES = ["text", "bool", "categorical", "float", "list", "any"];
const MAPPING_TYPES = ["from_entity", "from_text", "from_intent", "from_trigger_intent", "custom"];
const NAMES_OF = { intent: "intents", not_intent: "intents", action: "actions", entity: "entities", checkpoint: "checkpoints", active_loop: "forms" };
const ITEMS_OF = {
  slot_was_set: "slots", entities: "entities", intents: "intents", ignored_intents: "intents", intent: "intents", not_intent: "intents", actions: "actions",
  required_slots: "slots", forms: "forms",
};

const column = (text) => text.search(/\S|$/);
const afterDashes = (text) => text.match(/^\s*(?:- +)*/)[0].length;

// The key under which something at this column stands, and its line: looked for upwards.
function parent(doc, number, at, isItem) {
  for (let line = number - 1; line >= 1; line -= 1) {
    const { text } = doc.line(line);
    if (!text.trim() || text.trim().startsWith("#")) continue;
    const own = afterDashes(text);
    const holds = text.slice(own).match(/^["']?([^"':#]+)["']?:\s*(?:[|>&][^\s]*)?\s*(?:#.*)?$/);
    if (holds && (own < at || (isItem && own === at))) return { key: holds[1].trim(), line, at: own };
    if (column(text) < at) at = Math.min(at, own);
  }
  return null;
}

function keysUnder(kind, above, doc) {
  if (!above) return KEYS[kind] ?? [];
  if (KEYS[above.key]) return KEYS[above.key];
  const outer = parent(doc, above.line, above.at, false);
  if (kind === "response" && (!outer || above.key.startsWith("utter_"))) return KEYS.response;
  if (["slot", "form"].includes(kind) && !outer) return KEYS[kind];
  if (outer?.key === "slots") return KEYS.slot;
  return outer?.key === "forms" ? KEYS.form : [];
}

function typesUnder(above) {
  if (above?.key === "condition") return ["slot"];
  return above?.key === "mappings" ? MAPPING_TYPES : SLOT_TYPES;
}

// Where the word begins, and what it may be: names of a kind, keys, or words.
function wanted(state, pos, kind) {
  const line = state.doc.lineAt(pos);
  const before = line.text.slice(0, pos - line.from);
  const ending = (pattern) => before.match(pattern)?.[1];
  const from = (word) => pos - word.length;
  let word;
  if ((word = ending(/\]\(([^\s()]*)$/)) !== undefined) return { from: from(word), names: "entities" };
  if ((word = ending(/payload:\s*["']?\/([^\s"'{]*)$/)) !== undefined) return { from: from(word), names: "intents" };
  if (kind === "response" && (word = ending(/\{([^\s{}]*)$/)) !== undefined) return { from: from(word), names: "slots" };
  const value = before.match(/^\s*(?:- +)*([\w]+):\s+["']?([^"'#]*)$/);
  if (value) return ofKey(state, line, value[1], afterDashes(before), { from: from(value[2]) });
  const start = before.match(/^(\s*(?:- +)*)([\w./-]*)$/);
  if (!start) return null;
  const isItem = start[1].includes("-");
  const at = isItem ? before.lastIndexOf("-", start[1].length) : start[1].length;
  return ofPlace(state, line, kind, { at, isItem, from: from(start[2]) });
}

function ofKey(state, line, key, at, found) {
  const above = parent(state.doc, line.number, at, false);
  if (key === "type") return { ...found, words: typesUnder(above) };
  if (key === "name" && above?.key === "active_loop") return { ...found, names: "forms" };
  if (key === "name" && ["condition", "slot_was_set"].includes(above?.key)) return { ...found, names: "slots" };
  return NAMES_OF[key] ? { ...found, names: NAMES_OF[key] } : null;
}

function ofPlace(state, line, kind, { at, isItem, from }) {
  const above = parent(state.doc, line.number, at, isItem);
  const names = isItem && above ? ITEMS_OF[above.key] : null;
  if (names) return { from, names, isKey: ["slot_was_set"].includes(above.key) || (above.key === "entities" && kind !== "declared") };
  return { from, words: keysUnder(kind, above, state.doc), isKey: true };
}

export function completions(kind, address) {
  let asked;
  const known = () => (asked ??= fetch(address, { headers: { Accept: "application/json" } })
    .then((response) => (response.ok && !response.redirected ? response.json() : {})).catch(() => ({})));
  return async (context) => {
    const place = wanted(context.state, context.pos, kind);
    if (!place || (!context.explicit && place.from === context.pos && !place.names)) return null;
    const words = place.words ?? (await known())[place.names] ?? [];
    const options = words.map((label) => (place.isKey ? { label, apply: `${label}: ` } : { label }));
    return options.length ? { from: place.from, options, validFor: /^[^\s:"'(){}]*$/ } : null;
  };
}
