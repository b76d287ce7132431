"""The verbs that change the training data: what is written, who wins, what is taken back."""

from pathlib import Path

import pytest

from rasax.training import intents
from rasax.training.edits import Add, NewFile, Put, Remove, RemoveFile
from rasax.training.formats.errors import Refused
from rasax.training.models import Block, Change, Example, Mention, Project, TrainingFile
from rasax.training.texts import digest

pytestmark = pytest.mark.django_db

NLU = """version: "3.1"
# what people say
nlu:
# hello
- intent: greet
  examples: |
    - hi
    - hello [Ann](person)
- intent: bye
  examples: |
    - bye
"""
STORIES = """stories:
- story: one
  steps:
  - intent: greet
  - action: utter_greet
"""


@pytest.fixture
def project():
    project = Project.objects.default()
    project.take({"data/nlu.yml": NLU, "data/stories.yml": STORIES}, None)
    return project


def block(name):
    return Block.objects.get(name=name)


def test_what_is_imported_comes_out_again_byte_for_byte(project):
    assert project.files() == {"data/nlu.yml": NLU, "data/stories.yml": STORIES}


def test_importing_the_same_again_changes_nothing(project):
    assert project.take({"data/nlu.yml": NLU.encode()}, None) is None
    assert Change.objects.count() == 1


def test_examples_and_names_are_found(project):
    assert list(Example.objects.values_list("intent", "text", "source")) == [
        ("greet", "hi", "hi"),
        ("greet", "hello Ann", "hello [Ann](person)"),
        ("bye", "bye", "bye"),
    ]
    assert Mention.objects.filter(kind="response", name="utter_greet", how="used").exists()


def test_an_edit_changes_its_lines_alone_and_is_taken_back(project, alice):
    greet = block("greet")
    change = project.write([Put(greet, greet.text.replace("- hi\n", "- hi\n    - hey\n"))], alice, "edited", "greet")
    assert project.files()["data/nlu.yml"] == NLU.replace("- hi\n", "- hi\n    - hey\n")
    assert [(r["at"], r["before"], r["after"]) for r in change.records] == [(4, "", "    - hey\n")]
    assert list(Example.objects.filter(intent="greet").values_list("text", flat=True)) == ["hi", "hey", "hello Ann"]
    undoing = change.undo(alice)
    assert project.files()["data/nlu.yml"] == NLU
    assert list(Example.objects.filter(intent="greet").values_list("text", flat=True)) == ["hi", "hello Ann"]
    with pytest.raises(Refused, match="undone before"):
        change.undo(alice)
    undoing.undo(alice)
    assert "hey" in project.files()["data/nlu.yml"]


def test_two_who_edit_one_block_both_keep_their_lines(project, alice, bob):
    seen = block("greet")
    seen_too = block("greet")
    project.write([Put(seen, seen.text.replace("# hello", "# hallo"))], alice, "edited")
    project.write([Put(seen_too, seen_too.text.replace("- hi\n", "- hi there\n"))], bob, "edited")
    assert "# hallo" in project.files()["data/nlu.yml"]
    assert "- hi there" in project.files()["data/nlu.yml"]
    with pytest.raises(Refused, match="same lines"):
        project.write([Put(seen, seen.text.replace("- hi\n", "- servus\n"))], alice, "edited")


def test_an_undo_finds_its_lines_where_later_changes_moved_them(project, alice):
    greet = block("greet")
    change = project.write([Put(greet, greet.text.replace("- hi\n", "- hey\n"))], alice, "edited")
    greet = block("greet")
    project.write([Put(greet, "# more\n" + greet.text)], alice, "edited")
    change.undo(alice)
    assert project.files()["data/nlu.yml"] == NLU.replace("# hello\n", "# more\n# hello\n")


def test_what_is_not_one_item_is_read_with_its_file(project, alice):
    greet = block("greet")
    project.write([Put(greet, greet.text + "- synonym: hi\n  examples: |\n    - hello\n")], alice, "edited")
    assert Block.objects.filter(kind="synonym", name="hi").exists()
    with pytest.raises(Refused) as refused:
        project.write([Put(greet, "- intent: greet\n\texamples: x\n", base=block("greet").text)], alice, "edited")
    assert (refused.value.path, refused.value.line) == ("data/nlu.yml", 5)


def test_an_intent_that_becomes_a_synonym_has_no_examples(project, alice):
    project.write([Put(block("greet"), "- synonym: greet\n  examples: |\n    - hi\n")], alice, "edited")
    assert block("greet").kind == "synonym"
    assert set(Example.objects.values_list("intent", flat=True)) == {"bye"}
    assert not Mention.objects.filter(name="greet", how="taught").exists()


def test_items_are_added_after_others_at_the_end_and_to_new_files(project, alice):
    project.write(
        [Add("data/nlu.yml", "- intent: thanks\n  examples: |\n    - thx", "nlu", block("greet"))], alice, "a"
    )
    project.write([Add("data/nlu.yml", "- intent: last\n", "nlu")], alice, "added")
    project.write([Add("data/rules.yml", "- rule: r\n  steps:\n  - intent: bye\n", "rules")], alice, "added")
    project.write([Add("data/nlu.yml", "utter_x:\n- text: x\n", "responses")], alice, "added")
    names = list(Block.objects.filter(file__path="data/nlu.yml").order_by("position").values_list("name", flat=True))
    assert names == ["", "", "greet", "thanks", "bye", "last", "", "utter_x"]
    assert project.files()["data/rules.yml"] == 'version: "3.1"\n\nrules:\n- rule: r\n  steps:\n  - intent: bye\n'
    assert project.files()["data/nlu.yml"].endswith("- intent: last\n\nresponses:\n  utter_x:\n  - text: x\n")


def test_an_item_goes_into_an_empty_section(project, alice):
    project.take({"domain.yml": "slots: {}\nrules: []  # none\n"}, None)
    project.write([Add("domain.yml", "s:\n  type: text\n", "slots")], alice, "added")
    project.write([Add("domain.yml", "- rule: r\n", "rules")], alice, "added")
    assert project.files()["domain.yml"] == "slots:\n  s:\n    type: text\nrules:  # none\n- rule: r\n"


def test_a_removed_block_comes_back_where_it_was(project, alice):
    change = project.write([Remove(block("greet"))], alice, "removed")
    assert "greet" not in project.files()["data/nlu.yml"]
    assert not Example.objects.filter(intent="greet").exists()
    pk = change.records[0]["block"]
    change.undo(alice)
    assert project.files()["data/nlu.yml"] == NLU
    assert block("greet").pk == pk


def test_files_come_and_go(project, alice):
    new = project.write([NewFile("domain.yml", "intents:\n- greet\n")], alice, "added")
    gone = project.write([RemoveFile("data/stories.yml")], alice, "removed")
    assert set(project.files()) == {"data/nlu.yml", "domain.yml"}
    gone.undo(alice)
    new.undo(alice)
    assert project.files() == {"data/nlu.yml": NLU, "data/stories.yml": STORIES}
    assert not TrainingFile.objects.filter(path="domain.yml").exists()


def test_a_broken_file_is_kept_with_its_fault_and_others_go_on(project, alice):
    broken = "nlu:\n- intent: a\n\tx: y\n"
    change = project.take({"data/nlu.yml": broken, "data/x.yml": b"a\xff", "domain.yml": "intents: [a]\n"}, alice)
    assert project.files()["data/nlu.yml"] == broken
    assert project.files()["domain.yml"] == "intents: [a]\n"
    assert project.faults()["data/nlu.yml"]["line"] == 3
    assert "UTF-8" in project.faults()["data/x.yml"]["message"]
    assert not Example.objects.exists()
    change.undo(alice)
    assert project.files()["data/nlu.yml"] == NLU
    assert Example.objects.count() == 3
    assert "data/nlu.yml" not in project.faults()


def test_a_plan_tells_everything_and_writes_nothing(project, alice):
    plan = project.plan({"data/nlu.yml": NLU.replace("bye", "cu"), "endpoints.yml": "a: b"}, replace=True)
    assert {diff.path: diff.after is None for diff in plan.diffs} == {"data/nlu.yml": False, "data/stories.yml": True}
    assert "-    - bye\n+    - cu\n" in plan.diffs[0].unified
    assert plan.left_out == ["endpoints.yml"]
    assert project.files() == {"data/nlu.yml": NLU, "data/stories.yml": STORIES}
    project.write([Put(block("greet"), block("greet").text.replace("- hi\n", "- hey\n"))], alice, "edited")
    with pytest.raises(Refused, match="changed since"):
        project.take({}, alice, replace=True, token=plan.token)


def test_an_import_keeps_the_blocks_that_stay(project, alice):
    before = dict(Block.objects.exclude(name="").values_list("name", "pk"))
    project.take({"data/nlu.yml": NLU.replace("- hi\n", "- servus\n").replace("bye", "cu")}, alice)
    after = dict(Block.objects.exclude(name="").values_list("name", "pk"))
    assert after["greet"] == before["greet"]
    assert after["one"] == before["one"]


def test_crlf_stays_crlf(project, alice):
    text = "\ufeff" + NLU.replace("\n", "\r\n")
    project.take({"data/crlf.yml": text}, alice)
    assert project.files()["data/crlf.yml"] == text
    greet = Block.objects.get(name="greet", file__path="data/crlf.yml")
    assert Example.objects.filter(block=greet).first().text == "hi"
    project.write([Put(greet, greet.text.replace("\r\n", "\n") + "    - new\n")], alice, "edited")
    assert project.files()["data/crlf.yml"] == text.replace("person)\r\n", "person)\r\n    - new\r\n")


def test_lines_that_end_in_two_ways_keep_their_ends(project, alice):
    text = "nlu:\r\n- intent: greet\r\n  examples: |\n    - hi\r\n    - hey\n"
    project.take({"data/mixed.yml": text}, alice)
    hey = Example.objects.get(text="hey")
    intents.change_example(hey, "servus", [], alice)
    assert project.files()["data/mixed.yml"] == text.replace("hey", "servus")


def test_every_bot_of_the_tests_comes_out_as_it_went_in():
    project = Project.objects.default()
    root = Path(__file__).parents[2]
    files = {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*.yml")}
    project.take(files, None)
    kept = project.files()
    assert kept == {path: files[path] for path in kept}
    assert len(kept) > 3


def test_escapes_in_a_file_of_ascii_are_the_characters_that_rasa_reads(db):
    project, text = Project.objects.default(), "nlu:\n- intent: a\n  examples: |\n    - to [K\\u00f6ln](city)\n"
    project.take({"data/nlu.yml": text}, None)
    example = Example.objects.get()
    assert (example.text, example.entities[0]["end"]) == ("to Köln", 7)
    assert project.files() == {"data/nlu.yml": text}
    project.take({}, None, replace=True)
    project.take({"data/nlu.yml": text + "    - Bonn ä\n"}, None)
    assert Example.objects.earliest("pk").text == "to K\\u00f6ln"


def test_escapes_are_read_again_when_another_block_makes_the_file_other_than_ascii(db):
    project, escaped = Project.objects.default(), "nlu:\n- intent: a\n  examples: |\n    - to [K\\u00f6ln](city)\n"
    other = "- intent: b\n  examples: |\n    - {}\n"
    project.take({"data/nlu.yml": escaped + other.format("Bonn"), "data/more.yml": escaped.replace("a", "c", 1)}, None)
    seen = Example.objects.filter(source__contains="K").order_by("-intent")
    assert [row.text for row in seen] == ["to Köln", "to Köln"]
    beside = Block.objects.get(name="b")
    change = project.write([Put(beside, other.format("Böblingen"))], None, "changed")
    assert [row.text for row in seen.all()] == ["to Köln", "to K\\u00f6ln"], "of this file alone"
    assert seen.last().entities[0]["end"] == 12
    project.undo(change, None)
    assert [(row.text, row.digest) for row in seen.all()] == [("to Köln", digest("to Köln"))] * 2
