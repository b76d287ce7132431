"""Several people change the training data in the same instant: nobody's lines are lost."""

import pytest

from rasax.training import intents, stories
from rasax.training.edits import Put
from rasax.training.models import Block, Change, Example, Project
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hi\n- intent: bye\n  examples: |\n    - bye\n"


def test_examples_stories_and_edits_all_arrive(alice, bob):
    project = Project.objects.default()
    project.take({"data/nlu.yml": NLU}, None)
    greet = Block.objects.select_related("file").get(name="greet")

    def add(person, text):
        return lambda: intents.add_examples("greet", [intents.NewExample(text)], person)

    def tell(name):
        return lambda: stories.add_story("story", f"- story: {name}\n  steps:\n  - intent: {name}\n", alice)

    def remark():
        Project.objects.default().write([Put(greet, "# a remark\n" + greet.text)], bob, "edited")

    at_once(add(alice, "one"), add(bob, "two"), tell("a"), tell("b"), remark, add(alice, "one"))
    files = project.files()
    assert sorted(Example.objects.filter(intent="greet").values_list("text", flat=True)) == ["hi", "one", "two"]
    assert files["data/nlu.yml"].startswith("nlu:\n# a remark\n- intent: greet\n")
    assert files["data/stories.yml"].count("- story:") == 2
    for change in Change.objects.filter(undone_by=None).order_by("-pk")[:5]:
        change.undo(alice)
    assert project.files() == {"data/nlu.yml": NLU}


def test_of_two_undos_of_one_change_one_counts(alice, bob):
    project = Project.objects.default()
    change = project.take({"data/nlu.yml": NLU}, alice)
    refused = []

    def undo(person):
        try:
            Change.objects.get(pk=change.pk).undo(person)
        except ValueError as error:
            refused.append(error)

    at_once(lambda: undo(alice), lambda: undo(bob))
    assert project.files() == {}
    assert len(refused) == 1
