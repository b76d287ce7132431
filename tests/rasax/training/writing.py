"""Rasa projects as people write them: any style, with comments, anchors, odd bullets, CRLF and keys nobody knows."""

from hypothesis import strategies as st

NAMES = st.sampled_from(["greet", "bye", "faq/hours", "book", "käse", "a-b", "inform", "no", "2024", "say hi"])
WORDS = st.sampled_from([
    "hi", "to [Rome](city)", "[x]{\"entity\": \"city\", \"role\": \"to\"} 😀", "a: b # c", "- dash", "مرحبا",
    "[NYC](city:New York)", "{slot}", "*star* & more", "'quoted'", "tab\there",
])  # fmt: skip
COMMENTS = st.sampled_from(["", "", "", "# a comment\n", "# one\n# two\n", "\n", "\n\n# far\n\n", "  # indented\n"])
QUOTES = st.sampled_from(["{}", "'{}'", '"{}"'])
BULLETS = st.sampled_from(["- {}", "- {}", "-   {}", "-{}", "  continued {}", ""])


@st.composite
def quoted(draw, text):
    style = draw(QUOTES)
    return style.format(text) if style != "{}" or text not in ("no", "2024") else f'"{text}"'


@st.composite
def literal(draw, indent):
    lines = draw(st.lists(st.tuples(BULLETS, WORDS), min_size=1, max_size=12))
    head = draw(st.sampled_from(["|", "| # c", "|-", ">"]))
    first = f"{indent}- first\n"
    return f"{head}\n{first}" + "".join(f"{indent}{bullet.format(word)}".rstrip() + "\n" for bullet, word in lines)


@st.composite
def examples(draw, indent):
    if draw(st.booleans()):
        return f"{indent}examples: {draw(literal(indent + draw(st.sampled_from(['  ', '    ']))))}"
    items = draw(st.lists(WORDS, min_size=1, max_size=3))
    texts = [f"{indent}- text: |\n{indent}    {item}\n" for item in items]
    return f"{indent}examples:\n" + "".join(f"{text}{indent}  metadata: {{a: 1}}\n" for text in texts)


@st.composite
def item(draw, key, body):
    """An item of a list: at any column, its dash perhaps on a line of its own."""
    dash = draw(st.sampled_from(["- ", "-   ", "-\n  "]))
    inner = " " * (len(dash) if "\n" not in dash else 2)
    name = draw(quoted(draw(NAMES)))
    return f"{dash}{key}: {name}{draw(st.sampled_from(['', '  # c']))}\n{draw(body(inner))}"


def step():
    return st.one_of(
        NAMES.map(lambda name: f"{{intent: '{name}'}}"),
        st.sampled_from([
            "{action: utter_greet}", "{slot_was_set: [{city: null}]}", "{active_loop: f}", "{checkpoint: c}",
            "{user: 'to [Rome](city)', intent: book}", "{or: [{intent: a}, {intent: b}]}", "{bot: hi}",
        ]),
    )  # fmt: skip


@st.composite
def steps(draw, indent):
    found = draw(st.lists(step(), min_size=1, max_size=4))
    if draw(st.booleans()):
        return f"{indent}steps: [{', '.join(found)}]\n"
    lines = "".join(f"{indent}- {each[1:-1] if each.count(':') == 1 else each}\n" for each in found)
    return f"{indent}steps:\n{lines}"


@st.composite
def listed(draw, section, of_items):
    indent = draw(st.sampled_from(["", "  ", "    "]))
    parts = [f"{section}:{draw(st.sampled_from(['', ' # c']))}\n"]
    for text in draw(st.lists(of_items, min_size=1, max_size=4)):
        parts.append(draw(COMMENTS).replace("# a", f"{indent}# a"))
        parts.append("".join(indent + line if line.strip() else line for line in text.splitlines(keepends=True)))
    return "".join(parts)


DOMAINS = st.sampled_from([
    "intents: [greet, 'bye', {book: {use_entities: [city]}}]\n",
    "intents:\n- greet   # c\n- book:\n    use_entities: []\n\n# rest\n- käse\n",
    "entities:\n  - city:\n      roles: [to]\n  - person\n",
    "slots:\n  # the city\n  city:\n    type: text\n    mappings:\n    - {type: from_entity, entity: city}\n"
    "  other: {type: any}\n",
    "forms:\n  f:\n    required_slots:\n    - city\n  g:\n",
    "responses:\n  utter_greet:\n  - text: |\n      Hi {city}\n      # not a comment\n"
    "    buttons: [{title: a, payload: /bye}]\n\n  'utter_faq/hours': [{text: x}]\n",
    "actions:\n- action_x\n- utter_greet\n",
    "session_config: {session_expiration_time: 60}\n",
    "x-ours: &anchor\n  deep: [1, 2, {a: b}]\nmore: *anchor\n",
])  # fmt: skip


@st.composite
def texts(draw):
    """A file: sections in any order, each once."""
    lists = [
        listed("nlu", item("intent", examples)),
        listed("stories", item("story", steps)),
        listed("rules", item("rule", steps)),
    ]
    sections = draw(st.lists(st.one_of(*lists, DOMAINS), max_size=5, unique_by=lambda text: text.partition(":")[0]))
    head = draw(st.sampled_from(["", 'version: "3.1"\n', "# head\n---\nversion: '2.0'\n\n"]))
    text = head + "".join(draw(COMMENTS).replace("  # indented", "# not") + section for section in sections)
    text += draw(st.sampled_from(["", "", "\n", "# end\n", "# no break"]))
    if draw(st.booleans()) and draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return ("\ufeff" if draw(st.integers(0, 9)) == 0 else "") + text
