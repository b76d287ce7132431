"""An example's source, its text and its entities."""

import time

import pytest

from rasax.training.entities import broken, read


def city(start, end, **given):
    return {"start": start, "end": end, "entity": "city", **given}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("hello", "hello", []),
        ("to [Ulm](city)!", "to Ulm!", [city(3, 6)]),
        ("to [Köln](city:Cologne: the old)", "to Köln", [city(3, 7, value="Cologne: the old")]),
        ('[x]{"role": "to", "group": "1", "entity": "city", "value": 5}', "x", [
            city(0, 1, role="to", group="1", value="5"),
        ]),
        ('[x]{"entity": "city", "role": "", "value": "x"}', "x", [city(0, 1, value="x")]),
        ('[x][{"entity": "city"}, {"entity": "city", "role": "to"}]', "x", [city(0, 1), city(0, 1, role="to")]),
        ("👋🏽 [Ulm](city), e\u0301 [Bonn](city)", "👋🏽 Ulm, e\u0301 Bonn", [city(3, 6), city(11, 15)]),
        ("[two\nlines](city)", "two\nlines", [city(0, 9)]),
        ("[a [b](city)", "a [b", [city(0, 4)]),
        (r'[x]{"entity": "city", "value": "\ud800\u0000"}', "x", [city(0, 1, value="\ufffd\ufffd")]),
    ],
)  # fmt: skip
def test_an_annotation_names_its_words(source, text, entities):
    assert read(source) == (text, [{"value": text[each["start"] : each["end"]], **each} for each in entities])


@pytest.mark.parametrize(
    "source", ["[", "]", "[]", "[x]", "[](c)", "[x]()", "[x](:v)", "[x](c:)", "[x](c", "[x]{}", "[x][\n]", "[x] (c)"]
)
def test_brackets_that_are_no_entity_are_text(source):
    assert read(source) == (source, [])


def test_brackets_in_brackets_take_the_words_of_the_first():
    assert read("[x][] y") == ("x y", [])


@pytest.mark.parametrize(
    "attributes",
    [
        "city", '"role": "to"', '"entity": 5', '"entity": "city", "role": null', '"entity": "city", "value": true',
        '"entity": "city", "value": ["x"]',
        '"entity": "city", "value": "a}b"', '"a": ' + "[" * 100_000,
    ],
)  # fmt: skip
def test_braces_that_are_no_entity_are_named_for_rasa_refuses_the_file(attributes):
    assert broken(f"[x]{{{attributes}}}")[0].startswith("{")


def test_a_hundred_thousand_brackets_are_read_at_once():
    began = time.perf_counter()
    for many in ("[" * 100_000, "[a](" * 25_000, "[" * 100_000 + "]", "[a]" * 33_000, "[a]{" * 25_000):
        assert read(many)[0]
    assert time.perf_counter() - began < 2
