"""Intents and examples are edited in the lines that they stand in."""

import pytest

from rasax.training import intents
from rasax.training.formats.errors import Refused
from rasax.training.intents import NewExample
from rasax.training.models import Block, Change, Example, Mention, Project

pytestmark = pytest.mark.django_db

NLU = """version: "3.1"
nlu:
- intent: greet  # hello
  examples: |
    - hi
    - hello [Ann](person)

# leaving
- intent: bye
  examples:
  - text: |
      bye
  - text: see you
    metadata: {sentiment: neutral}
- intent: faq/hours
  examples: "- when\\n- what hours\\n"
"""
DOMAIN = """intents:
- greet
- bye:
    use_entities: [person]
- faq
responses:
  utter_faq/hours:
  - text: "9 to 5"
    buttons:
    - {title: hi, payload: '/greet{"person": "Ann"}'}
"""
STORIES = """stories:
- story: one  # a greet
  steps:
  - intent: greet
    entities: [person]
  - action: utter_greet
  - or: [{intent: bye}, {intent: greet}]
  - intent: faq
  - action: utter_faq
"""
CONFIG = "pipeline:\n- name: ResponseSelector\n  retrieval_intent: faq\n"
FILES = {"data/nlu.yml": NLU, "domain.yml": DOMAIN, "data/stories.yml": STORIES, "config.yml": CONFIG}


@pytest.fixture
def project():
    project = Project.objects.default()
    project.take(FILES, None)
    return project


def changed(project, **edits):
    """The files after replacements in each."""
    files = dict(FILES)
    for path, replacements in edits.items():
        for old, new in replacements:
            assert old in files[path]
            files[path] = files[path].replace(old, new)
    return files


def example(text):
    return Example.objects.get(text=text)


def test_examples_go_below_the_others_in_the_style_of_each(project, alice):
    entity = {"start": 6, "end": 9, "entity": "person"}
    intents.add_examples(
        "greet", [NewExample("salut Ann", [entity]), NewExample("hi"), NewExample("salut  Ann")], alice
    )
    intents.add_examples("bye", [NewExample("cu: later")], alice)
    intents.add_examples("faq/hours", [NewExample("open")], alice)
    expected = changed(project, **{"data/nlu.yml": [
        ("(person)\n", "(person)\n    - salut [Ann](person)\n"),
        ("neutral}\n", 'neutral}\n  - text: "cu: later"\n'),
        ('hours\\n"', 'hours\\n- open\\n"'),
    ]})  # fmt: skip
    assert project.files() == expected
    assert example("salut Ann").entities == [{"start": 6, "end": 9, "entity": "person", "value": "Ann"}]


def test_a_new_intent_is_declared_and_gets_its_block(project, alice):
    intents.add_examples("thanks", [NewExample("thx"), NewExample("ta")], alice)
    intents.add_examples("faq/place", [NewExample("where")], alice)
    expected = changed(project, **{"domain.yml": [("- faq\n", "- faq\n- thanks\n")]})
    new = "- intent: faq/place\n  examples: |\n    - where\n- intent: thanks\n  examples: |\n    - thx\n    - ta\n"
    expected["data/nlu.yml"] += new
    assert project.files() == expected


def test_an_example_is_changed_where_it_stands_and_taken_back(project, alice):
    one = intents.change_example(example("hi"), "hey 😀 Bo", [{"start": 6, "end": 8, "entity": "person"}], alice)
    two = intents.change_example(example("see you"), "until: then", [], alice)
    three = intents.change_example(example("what hours"), "hours?", [], alice)
    assert project.files() == changed(project, **{"data/nlu.yml": [
        ("- hi\n", "- hey 😀 [Bo](person)\n"), ("see you", '"until: then"'), ("what hours", "hours?"),
    ]})  # fmt: skip
    for change in (two, three, one):
        change.undo(alice)
    assert project.files() == FILES
    assert example("hi").entities == []


def test_examples_are_removed_with_their_lines(project, alice):
    intents.remove_examples([example("hello Ann"), example("see you"), example("when")], alice)
    assert project.files() == changed(project, **{"data/nlu.yml": [
        ("    - hello [Ann](person)\n", ""), ("  - text: see you\n    metadata: {sentiment: neutral}\n", ""),
        ("- when\\n", ""),
    ]})  # fmt: skip
    assert not Mention.objects.filter(kind="entity", name="person", how="taught").exists()


def test_examples_move_to_an_intent_that_is_there_or_new(project, alice):
    intents.move_examples([example("hello Ann")], "bye", alice)
    intents.move_examples([example("hi")], "new", alice)
    assert set(Example.objects.values_list("intent", "source")) >= {("bye", "hello [Ann](person)"), ("new", "hi")}
    assert "- new\n" in project.files()["domain.yml"]


def test_an_example_that_somebody_changed_meanwhile_is_not_overwritten(project, alice):
    seen = example("hi")
    intents.change_example(example("hi"), "hey", [], alice)
    with pytest.raises(Refused, match="removed meanwhile"):
        intents.change_example(seen, "servus", [], alice)


def test_an_intent_is_renamed_everywhere_at_once(project, alice):
    change = intents.rename_intent("greet", "hello there", alice)
    assert project.files() == changed(project, **{
        "data/nlu.yml": [("intent: greet", "intent: hello there")],
        "domain.yml": [("- greet\n", "- hello there\n"), ("/greet{", "/hello there{")],
        "data/stories.yml": [("intent: greet", "intent: hello there")],
    })  # fmt: skip
    assert {row.name for row in intents.project_intents()} == {"hello there", "bye", "faq", "faq/hours", "hello"}
    change.undo(alice)
    assert project.files() == FILES


def test_a_retrieval_intent_takes_its_responses_along(project, alice):
    diffs = intents.preview_rename("faq", "ask")
    intents.rename_intent("faq", "ask", alice)
    expected = changed(project, **{
        "data/nlu.yml": [("faq/hours", "ask/hours")],
        "domain.yml": [("- faq\n", "- ask\n"), ("utter_faq/hours", "utter_ask/hours")],
        "data/stories.yml": [("intent: faq", "intent: ask"), ("utter_faq", "utter_ask")],
        "config.yml": [("faq", "ask")],
    })  # fmt: skip
    assert project.files() == expected
    assert {diff.path: diff.after for diff in diffs} == expected


def test_a_merged_intent_leaves_its_examples_to_the_other(project, alice):
    with pytest.raises(Refused, match="merge the two"):
        intents.rename_intent("greet", "bye", alice)
    intents.rename_intent("greet", "bye", alice, merge=True)
    files = project.files()
    assert "greet" not in files["domain.yml"].replace("/greet", "")
    assert "intent: greet" not in files["data/stories.yml"]
    assert set(Example.objects.filter(intent="bye").values_list("text", flat=True)) == {
        "bye", "see you", "hi", "hello Ann",
    }  # fmt: skip
    assert Block.objects.filter(kind="intent", name="bye").count() == 1
    assert files["domain.yml"].startswith("intents:\n- bye:\n    use_entities: [person]\n- faq\n")


def test_an_intent_is_added_once_and_removed_with_its_declaration(project, alice):
    intents.add_intent("thanks", alice)
    with pytest.raises(Refused, match="an intent of this name"):
        intents.add_intent("thanks", alice)
    intents.remove_intent("thanks", alice)
    assert project.files() == FILES
    with pytest.raises(Refused, match="no intent"):
        intents.remove_intent("thanks", alice)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("intents: []\n", "intents:\n  - new\n"),
        ("intents: [a, b]  # c\n", "intents: [a, b, new]  # c\n"),
        ("intents:  # c\n\nslots: {}\n", "intents:  # c\n  - new\n\nslots: {}\n"),
        ("intents:\n- a\n\n# s\nslots: {}\n", "intents:\n- a\n- new\n\n# s\nslots: {}\n"),
        ("slots: {}", "slots: {}\n\nintents:\n  - new\n"),
        ('intents:\r\n- "a"\r\n', 'intents:\r\n- "a"\r\n- "new"\r\n'),
    ],
)
def test_an_intent_is_declared_as_the_others_are(before, after, alice):
    project = Project.objects.default()
    project.take({"domain.yml": before, "data/nlu.yml": "nlu:\n- intent: a\n"}, None)
    intents.add_intent("new", alice)
    assert project.files()["domain.yml"] == after


def test_a_project_of_nothing_gets_its_files(alice):
    intents.add_examples("greet", [NewExample("hi")], alice)
    assert Project.objects.default().files() == {
        "data/nlu.yml": 'version: "3.1"\n\nnlu:\n- intent: greet\n  examples: |\n    - hi\n',
        "domain.yml": 'version: "3.1"\n\nintents:\n  - greet\n',
    }


@pytest.mark.parametrize("entity", [{"start": 0, "end": 9, "entity": "x"}, {"start": 1, "end": 1, "entity": "x"}])
def test_an_entity_past_the_end_of_its_text_is_refused(entity, alice):
    with pytest.raises(Refused, match="outside of its text"):
        intents.add_examples("greet", [NewExample("hi", [entity])], alice)
    assert not Change.objects.exists()


def test_an_example_and_a_new_section_go_into_one_file(alice):
    project = Project.objects.default()
    text = "nlu:\n- intent: greet\n  examples: |\n    - hi\n"
    project.take({"domain.yml": text}, None)
    intents.add_examples("greet", [NewExample("hey")], alice)
    assert project.files() == {"domain.yml": f"{text}    - hey\n\nintents:\n  - greet\n"}
