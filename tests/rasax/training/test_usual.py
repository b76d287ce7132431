"""The quick reader of YAML sees what ruamel.yaml sees, in the same places, or does not read at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasax.training.formats import blocks, literals, nodes, usual
from rasax.training.formats.errors import Refused
from tests.rasax.training.writing import texts

pytestmark = pytest.mark.once

KEYS = st.sampled_from(["a", "story", "x y", "x:y", "k#k", "käse", "<<", "no", "1.5", "..."])
VALUES = st.sampled_from([
    "v", "to [Rome](city)", "'q: #'", '"d # :"', '"\\n"', "x  y", "a#b", "/x{1}", "", "", "|", "|-", ">",
    "v # c", "| # c",
    "[a]", "{a: b}", "&a v", "*a", "!t v", "x : y", "x: y", "- z", "v ", "'it''s'", "\tv", "?", "%", "a\u00a0b",
])  # fmt: skip
BELOW = st.sampled_from(["text: x # y", "- z", "", " more", "\ttab", "z ", "# no comment"])
BETWEEN = st.sampled_from(["", "", "", "# c\n", "\n", "  \n", "---\n", "   # c\n"])


@st.composite
def lines(draw, column=0, depth=0):
    written = []
    for _ in range(draw(st.integers(1, 3))):
        dash = draw(st.sampled_from(["", "", "- ", "-   ", "-"]))
        key = draw(KEYS) + ": " if not dash or draw(st.booleans()) else ""
        value = draw(VALUES)
        written.append(draw(BETWEEN) + " " * column + (dash + key + value).rstrip(" ") + "\n")
        deeper = column + len(dash) + draw(st.sampled_from([0, 2, 2, 1]))
        if value[:1] in ("|", ">"):
            written += [" " * (deeper or 1) + line + "\n" for line in draw(st.lists(BELOW, max_size=3))]
        elif not value and depth < 3:
            written.append(draw(lines(deeper, depth + 1)))
    return "".join(written)


def told(node):
    if node is None:
        return None
    pairs = None if node.pairs is None else [(told(key), told(value)) for key, value in node.pairs]
    items = None if node.items is None else [told(item) for item in node.items]
    return node.start, node.end, node.text, node.style, node.flow, node.weight, items, pairs


def both(text):
    """What each of the two readers says; None of the quick one where the text is not for it."""
    short = literals.shortened(text)
    builder = nodes._Builder(text, short, part=True)
    try:
        usual.read(short.text, builder)
    except (usual.Unusual, Refused):
        return None, None
    return builder.tree(), nodes._general_tree(text, short, part=True)


@settings(max_examples=400, deadline=None)
@given(st.one_of(lines(), lines(2), st.builds("{}{}".format, lines(), lines()), texts()), st.booleans())
def test_what_it_reads_ruamel_yaml_reads_the_same(text, is_open):
    quick, general = both(text.rstrip("\n") if is_open else text)
    if quick is not None:
        assert told(quick.root) == told(general.root)
        assert (quick.ending, quick.linked, quick.right) == (general.ending, general.linked, general.right)


def test_stories_as_people_write_them_are_for_it():
    text = """version: "3.1"  # as Rasa 3
stories:

# the usual way
- story: order a pizza
  steps:
  - intent: greet
  - action: utter_greet
  - slot_was_set:
    - city: 'New York'
  - or:
    - intent: affirm
    - intent: thanks
  - user: |
      to [Rome](city)
    intent: inform
"""
    quick, general = both(text)
    assert quick is not None
    assert told(quick.root) == told(general.root)
    assert [part.name for part in blocks.split("data/stories.yml", text)] == ["", "", "order a pizza"]


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a:\n" * 3, "".join(f"{' ' * n}a:\n" for n in range(300))])
def test_what_is_refused_is_refused_by_ruamel_yaml_and_the_bounds(text):
    with pytest.raises(Refused):
        nodes.read(text)
