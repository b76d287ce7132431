"""Random stories, compared by us and by a real Rasa."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasax.training.contradictions import found_in_stories
from rasax.training.models import Project
from tests.inside_rasa.test_validation import meant, rasa_says, written
from tests.rasax.training.broken_projects import CONFIG, GOOD, SLOTS

pytestmark = [pytest.mark.rasa, pytest.mark.django_db]

INTENTS = (
    *("intent: greet", "intent: bye", "intent: book"),
    *("intent: book\n    entities: [{city: Rome}]", "intent: book\n    entities: [{city: Ulm}, town]"),
    *(
        "intent: greet\n    entities: [city]",
        "user: |\n      good [Rome](city)",
        "or: [{intent: bye}, {intent: greet}]",
    ),
)
ACTIONS = ("action: utter_greet", "action: utter_bye", "action: action_book", "action: trip_form", "bot: Hello")
EVENTS = (
    *("active_loop: trip_form", "active_loop: null", "slot_was_set: [{tier: gold}]", "slot_was_set: [{tier: tin}]"),
    *("slot_was_set: [{tier: null}]", "slot_was_set: [{quiet: x}]", "slot_was_set: [{member: false}, {age: 40}]"),
    *("slot_was_set: [tags]", "slot_was_set: [{tags: []}]", "slot_was_set: [{thing: 1}]", "slot_was_set: [{age: 400}]"),
    *("slot_was_set: [{city: Rome}]", "slot_was_set: [city]"),
)
TURN = st.tuples(st.sampled_from(INTENTS), st.lists(st.sampled_from(ACTIONS + EVENTS), min_size=1, max_size=3))
STORY = st.lists(TURN, min_size=1, max_size=3).map(
    lambda turns: [step for said, then in turns for step in (said, *then)]
)
DOMAIN = GOOD["domain.yml"].replace("\nslots:\n", SLOTS).replace("- greet\n", "- greet:\n    use_entities: []\n")
HEAD = 'version: "3.1"\nstories:\n'


def made():
    projects = []

    @settings(max_examples=100, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STORY, min_size=2, max_size=6), st.sampled_from(["", "checkpoint: on"]))
    def gather(stories, end):
        told = [
            f"- story: s{n}\n  steps:\n" + "".join(f"  - {step}\n" for step in steps) for n, steps in enumerate(stories)
        ]
        if end:
            told[0] += f"  - {end}\n"
            told[-1] = told[-1].replace("  steps:\n", f"  steps:\n  - {end}\n")
        projects.append({"config.yml": CONFIG, "domain.yml": DOMAIN, "data/s.yml": HEAD + "".join(told)})

    gather()
    return projects


def of_rasa(said):
    return {meant(each)[1] for each in said if "conflict" in each}


def of_ours(files):
    Project.objects.default().take(files, None, replace=True)
    found = set()
    for each in found_in_stories():
        after, _, choices = each.words.partition(" → ")
        found.add((after, frozenset(choice.partition(":")[0] for choice in choices.split("; "))))
    return found


def test_the_same_stories_contradict_each_other(tmp_path):
    projects = made()
    said = rasa_says([written(files, tmp_path / str(n)) for n, files in enumerate(projects)])
    for files, theirs in zip(projects, said, strict=True):
        assert of_ours(files) == of_rasa(theirs), files["data/s.yml"]
