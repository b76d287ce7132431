"""Stories come from pages, chats and files: each once, in the file of its kind."""

import pytest

from rasax.training import names, stories
from rasax.training.edits import Add, Remove
from rasax.training.formats.errors import Refused
from rasax.training.models import Block, Change, Project

pytestmark = pytest.mark.django_db

STORY = """version: "3.1"
stories:
- story: one
  steps:
  - intent: greet
  - slot_was_set:
    - city: null
  - action: utter_greet
"""
DOMAIN = """entities: [city]
slots:
  city:
    type: text
    mappings:
    - type: from_entity
      entity: city
forms:
  trip_form:
    required_slots: [city]
responses:
  utter_greet:
  - text: Hi {city}!
  utter_ask_city:
  - text: |
      Where in {city}?
      Or {name}?
"""


@pytest.fixture
def project():
    return Project.objects.default()


def test_a_story_test_and_rule_go_to_the_files_of_their_kind(project, alice):
    story, new = stories.add_story("story", STORY, alice)
    assert (story.file.path, story.name, new) == ("data/stories.yml", "one", True)
    assert project.files()["data/stories.yml"] == STORY.replace('"\n', '"\n\n')
    rule, _ = stories.add_story("rule", "- rule: r\n  steps:\n  - intent: greet\n  - action: utter_greet", alice)
    test, _ = stories.add_story("test", STORY, alice)
    assert (rule.file.path, test.file.path, test.kind) == ("data/rules.yml", "tests/test_stories.yml", "test")


def test_equal_steps_are_recognised_however_they_are_written(project, alice):
    first, _ = stories.add_story("story", STORY, alice)
    other = "  - story: two # x\n    steps: [{intent: greet}, {slot_was_set: {city: ~}}, {action: utter_greet}]\n"
    assert stories.add_story("story", other, alice) == (first, False)
    more, new = stories.add_story("story", STORY + "  - action: utter_bye\n", alice)
    assert (more.name, new) == ("one 2", True)
    assert Change.objects.count() == 2
    assert project.files()["data/stories.yml"].count("- story: one") == 2


def test_what_is_no_story_is_refused(alice):
    with pytest.raises(Refused, match="no story"):
        stories.add_story("rule", STORY, alice)
    with pytest.raises(Refused, match="no steps"):
        stories.add_story("story", "- story: x\n  steps: []\n", alice)
    with pytest.raises(Refused, match="cannot be read"):
        stories.add_story("story", "- story: [", alice)


def test_new_stories_take_the_indentation_of_the_others(project, alice):
    project.take({"data/stories.yml": "stories:\n  - story: a\n    steps:\n      - intent: x\n\n# end\n"}, None)
    stories.add_story("story", STORY, alice)
    assert project.files()["data/stories.yml"].endswith("    steps:\n      - intent: x\n\n# end\n" + "".join(
        f"  {line}\n" for line in STORY.splitlines()[2:]
    ))  # fmt: skip


def test_a_changed_and_a_removed_story_say_so(project, alice):
    story, _ = stories.add_story("story", STORY, alice)
    change = stories.change_block(story, story.text.replace("one", "uno"), alice)
    assert (change.verb, change.subject) == ("changed a story", "one")
    stories.remove_block(Block.objects.get(name="uno"), alice)
    assert project.files()["data/stories.yml"] == 'version: "3.1"\n\nstories:\n'
    stories.add_story("story", STORY, alice)
    assert project.files()["data/stories.yml"] == STORY.replace('"\n', '"\n\n')


def test_the_last_slot_leaves_an_empty_mapping_and_comes_back(project, alice):
    project.take({"domain.yml": DOMAIN}, None)
    change = project.write([Remove(Block.objects.get(kind="slot"))], alice, "removed")
    assert "slots: {}\nforms:" in project.files()["domain.yml"]
    change.undo(alice)
    assert project.files()["domain.yml"] == DOMAIN


def test_a_slot_is_renamed_in_forms_texts_and_stories(project, alice):
    project.take({"domain.yml": DOMAIN, "data/stories.yml": STORY}, None)
    names.rename("slot", "city", "town", alice)
    assert project.files() == {
        "domain.yml": DOMAIN.replace("  city:\n", "  town:\n").replace("[city]\nresp", "[town]\nresp")
        .replace("{city}", "{town}").replace("utter_ask_city", "utter_ask_town"),
        "data/stories.yml": STORY.replace("city", "town"),
    }  # fmt: skip


def test_an_entity_is_renamed_in_examples_mappings_and_tables(project, alice):
    nlu = (
        'nlu:\n- intent: a\n  examples: |\n    - to [Rome](city) [x]{"entity": "city", "role": "to"}\n- lookup: city\n'
    )
    project.take({"domain.yml": DOMAIN, "data/nlu.yml": nlu}, None)
    names.rename("entity", "city", "place", alice)
    assert project.files()["data/nlu.yml"] == nlu.replace("city", "place")
    assert "entities: [place]" in project.files()["domain.yml"]
    assert "entity: place" in project.files()["domain.yml"]
    with pytest.raises(Refused, match="nothing of this name"):
        names.rename("entity", "city", "x", alice)


def test_a_role_and_a_group_are_renamed_wherever_they_stand(project, alice):
    said = '[x]{"entity": "city", "role": "to"} [y]{"entity": "size", "group": "1"}'
    nlu = f"nlu:\n- intent: a\n  examples: |\n    - to {said}\n"
    domain = (
        "entities:\n- city:\n    roles: [to, from]\n- size:\n    groups:\n    - '1'\n"
        "slots:\n  city:\n    mappings:\n    - {type: from_entity, entity: city, role: to}\n"
    )
    story = "stories:\n- story: s\n  steps:\n  - intent: a\n    entities:\n    - city: x\n      role: to\n"
    project.take({"domain.yml": domain, "data/nlu.yml": nlu, "data/stories.yml": story}, None)
    change = names.rename("role", "to", "destination", alice)
    assert str(change) == "renamed a role to → destination"
    assert project.files() == {
        "data/nlu.yml": nlu.replace('"role": "to"', '"role": "destination"'),
        "data/stories.yml": story.replace("role: to", "role: destination"),
        "domain.yml": domain.replace("[to, ", "[destination, ").replace("role: to", "role: destination"),
    }
    with pytest.raises(Refused, match="one of this name"):
        names.rename("role", "destination", "from", alice)
    names.rename("group", "1", "first", alice)
    assert '"group": "first"' in project.files()["data/nlu.yml"]
    assert "- 'first'" in project.files()["domain.yml"]


def test_sections_in_one_line_become_as_many_as_they_have_items_and_take_more(project, alice):
    files = {
        "data/stories.yml": "stories: [{story: a, steps: [{intent: b}]}]  # c\n",
        "data/nlu.yml": "nlu: [{intent: b, examples: '- x'}]\nintents: [b]\n",
        "domain.yml": "responses: {utter_a: [{text: x}]}\n",
    }
    project.take(files, None)
    from rasax.training import intents

    stories.add_story("story", "- story: z\n  steps:\n  - intent: q\n", alice)
    intents.add_examples("new", [intents.NewExample("hi, you")], alice)
    project.write([Add("domain.yml", "utter_n:\n- text: |\n    a\n    b\n", "responses")], alice, "added a response")
    assert project.files() == {
        "data/stories.yml": "stories:  # c\n- {story: a, steps: [{intent: b}]}\n- story: z\n  steps:\n  - intent: q\n",
        "data/nlu.yml": "nlu:\n- {intent: b, examples: '- x'}\n- intent: new\n  examples: |\n    - hi, you\n"
        "intents: [b, new]\n",
        "domain.yml": "responses:\n  utter_a: [{text: x}]\n  utter_n:\n  - text: |\n      a\n      b\n",
    }
    text = "stories: [{story: a, steps: []},  # why\n  {story: b, steps: []}]\n"
    project.take({"data/stories.yml": text}, None)
    with pytest.raises(Refused, match="written in one line"):
        stories.add_story("story", "- story: z\n  steps:\n  - intent: q\n", alice)


def test_names_that_aliases_stand_for_are_renamed_at_their_anchor(project, alice):
    text = "x: &name greet\nintents: [*name]\nstories:\n- story: a\n  steps:\n  - intent: *name\n  - intent: greet\n"
    project.take({"data/all.yml": text}, None)
    from rasax.training import intents

    intents.rename_intent("greet", "hello", alice)
    assert project.files()["data/all.yml"] == text.replace("greet", "hello")
