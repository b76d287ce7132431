"""What is no training data is told with its file and line; nothing is lost, and nothing half written."""

import pytest

from rasax.training import entities
from rasax.training.edits import NewFile, Put
from rasax.training.formats import blocks, values
from rasax.training.formats.errors import Refused
from rasax.training.models import Block, Change, Example, Mention, Project, TrainingFile

pytestmark = pytest.mark.once

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)  # fmt: skip
BAD = {
    "a bomb of aliases": (BOMB, "too many values", 7),
    "an alias of itself": ("nlu: &a [*a]\n", "itself a part of", 1),
    "an alias of nothing": ("nlu:\n- *x\n", "no anchor above", 2),
    "ten thousand lists": ("nlu: " + "[" * 10_000, "100 levels", 1),
    "ten thousand levels": ("nlu:\n" + "- " * 10_000, "100 levels", 2),
    "a thousand keys": ("".join(" " * n + "a:\n" for n in range(1_000)), "100 levels", 101),
    "a tab": ("nlu:\n- intent: a\n\texamples: b\n", "A tab stands where YAML wants spaces", 3),
    "a key twice": ("nlu: []\nrules: []\nnlu: []\n", "twice", 3),
    "a key twice below": ("responses:\n  utter_a: []\n  'utter_a': []\n", "twice", 3),
    "two documents": ("nlu: []\n---\nnlu: []\n", "more than one YAML document", 2),
    "a Python object": ("nlu: !!python/object/apply:os.system [ls]\n", "no tags", 1),
    "a bell": ("nlu:\n- intent: a\x07\n", "does not allow", 2),
    "a list": ("- nlu\n", "no keys at its top", 1),
    "an open quote": ('nlu:\n- intent: "a\n', "cannot be read as YAML", 3),
    "somebody else's": ("services:\n  web:\n    image: nginx\n", "no key that Rasa reads", 0),
}


@pytest.mark.parametrize(("text", "message", "line"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_kept_with_its_line_and_others_go_on(db, text, message, line):
    project = Project.objects.default()
    good = "nlu:\n- intent: a\n  examples: |\n    - b\n"
    project.take({"data/bad.yml": text, "data/good.yml": good}, None)
    assert project.files() == {"data/bad.yml": text, "data/good.yml": good}
    fault = project.faults()["data/bad.yml"]
    assert message in fault["message"]
    assert fault["line"] == line
    assert Example.objects.count() == 1
    project.take({"data/bad.yml": "rules: []\n"}, None)
    assert project.faults() == {}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_read_and_stay(db, mark, end):
    project, text = Project.objects.default(), mark + f"nlu:{end}- intent: a{end}  examples: |{end}    - b{end}"
    project.take({"data/nlu.yml": text.encode()}, None)
    assert (project.faults(), project.files()) == ({}, {"data/nlu.yml": text})
    assert [(row.intent, row.text) for row in Example.objects.all()] == [("a", "b")]


def test_both_lines_of_a_key_that_stands_twice_are_named():
    with pytest.raises(Refused, match=r"nlu \(1, 3\)"):
        blocks.split("x.yml", "nlu: []\nrules: []\nnlu: []\n")


@pytest.mark.parametrize(("content", "line"), [(b"nlu: []\n# \xff\n", 2), ("nlu:\0", 1), (b"a: \xed\xa0\x80", 1)])
def test_what_no_database_holds_leaves_the_file_as_it_was(db, content, line):
    project = Project.objects.default()
    project.take({"data/nlu.yml": content}, None)
    assert project.files() == {}
    assert project.faults()["data/nlu.yml"]["line"] == line
    project.take({"data/nlu.yml": "nlu: []\n"}, None)
    project.take({"data/nlu.yml": content}, None)
    assert project.files() == {"data/nlu.yml": "nlu: []\n"}
    assert project.faults()["data/nlu.yml"]["line"] == line


def test_an_edit_that_breaks_its_file_changes_nothing(db, alice):
    project = Project.objects.default()
    text = "# head\nstories:\n- story: a\n  steps: []\n- story: b\n  steps: []\n"
    project.take({"data/s.yml": text}, None)
    block = Block.objects.select_related("file").get(name="b")
    for bad, line in (("- story: b\n  steps: [\n", 7), ("- story: b\n\tsteps: []\n", 6), ("  - story: b\n", 5)):
        with pytest.raises(Refused) as refused:
            project.write([NewFile("new.yml", "nlu: []\n"), Put(block, bad)], alice, "edited")
        assert (refused.value.path, refused.value.line) == ("data/s.yml", line)
    assert project.files() == {"data/s.yml": text}
    assert Change.objects.count() == 1
    assert not TrainingFile.objects.filter(path="new.yml").exists()


@pytest.mark.parametrize(
    "path", ["../nlu.yml", "/etc/nlu.yml", ".git/nlu.yml", "nlu.json", "endpoints.yml", "a\nb.yml"]
)
def test_files_that_are_no_training_data_are_left_out(db, alice, path):
    project = Project.objects.default()
    assert project.plan({path: "nlu: []"}).left_out == [path]
    assert project.take({path: "nlu: []"}, alice) is None
    with pytest.raises(Refused, match="relative to the project"):
        project.write([NewFile(path, "nlu: []")], alice, "added")


def test_no_is_a_text_and_nothing_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("HOME", "/secret")
    text = "a: no\nb: ${HOME}\nc: 1.5\nd: 0o10\ne: 2024-01-01\nf: ~\ng: 'true'\nh: true\n"
    expected = {"a": "no", "b": "${HOME}", "c": 1.5, "d": 8, "e": "2024-01-01", "f": None, "g": "true", "h": True}
    assert values(text) == expected


def test_names_longer_than_a_column_are_kept_in_the_text(db):
    name = "long " * 100
    text = f"nlu:\n- intent: {name.strip()}\n  examples: |\n    - {'word ' * 3000}\n"
    project = Project.objects.default()
    project.take({"data/nlu.yml": text}, None)
    assert project.files() == {"data/nlu.yml": text}
    assert Mention.objects.filter(name__startswith="long long").exists()


NOT_WRITABLE = [
    ("a [b](c)", []),
    ("say ] it", [{"start": 0, "end": 5, "entity": "x"}]),
    ("hi", [{"start": 0, "end": 2, "entity": "x", "value": "}"}]),
    ("hi there", [{"start": 0, "end": 4, "entity": "x"}, {"start": 3, "end": 8, "entity": "y"}]),
    ("hi", [{"start": 0, "end": 3, "entity": "x"}]),
    ("hi", [{"start": 0, "end": 2}]),
    ("  \n ", []),
    ("a\x07", []),
]


@pytest.mark.parametrize(("text", "marked"), NOT_WRITABLE)
def test_an_example_that_rasa_would_read_otherwise_is_refused(text, marked):
    with pytest.raises(Refused):
        entities.written(text, marked)


def test_places_of_entities_count_code_points_and_move_with_what_is_stripped():
    source = entities.written(" 😀 to Rome\n", [{"start": 6, "end": 10, "entity": "city", "role": "to"}])
    assert source == '😀 to [Rome]{"entity": "city", "role": "to"}'
    assert entities.read(source) == (
        "😀 to Rome",
        [{"start": 5, "end": 9, "value": "Rome", "entity": "city", "role": "to"}],
    )
