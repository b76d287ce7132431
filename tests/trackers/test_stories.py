import gzip
import json
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.rasa import PAYLOADS
from trackers.stories import annotated, stories
from trackers.tracker import DialogueStateTracker, EventVerbosity

Event = dict[str, Any]
LISTEN = {"event": "action", "name": "action_listen"}
GREET = {"event": "action", "name": "utter_greet"}
RECORDED = [
    json.loads(line) for line in gzip.decompress((PAYLOADS / "rasa_3_6_states.jsonl.gz").read_bytes()).splitlines()
]


def tracker(*events: Event) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("ann", events)


def said(text: str | None, *entities: Event, intent: str | None = "greet", **more: Any) -> Event:
    parse_data = {"intent": {"name": intent, **more}, "entities": list(entities), "text": text}
    return {"event": "user", "text": text, "parse_data": parse_data}


def steps(*events: Event, test: bool = False) -> str:
    """The story's steps, as YAML without its head and its indentation."""
    lines = tracker(*events).as_story(test=test).splitlines()[4:]
    return "\n".join(line[2:] for line in lines)


@pytest.mark.parametrize("conversation", RECORDED, ids=range(len(RECORDED)))
def test_the_stories_of_a_recorded_conversation_are_rasas(conversation: Event) -> None:
    given = DialogueStateTracker.from_events(conversation["sender_id"], conversation["events"], conversation["slots"])
    roles = re.compile(r"^ +(role|group): .*\n", re.MULTILINE)  # which Rasa's stories lose
    assert roles.sub("", given.as_story()) == conversation["rasa"]["story"]
    assert given.as_test_story() == conversation["rasa"]["test_story"]


def test_a_story_has_intents_actions_slots_and_loops() -> None:
    slot = {"event": "slot", "name": "city", "value": "true"}
    loop, end = {"event": "active_loop", "name": "booking_form"}, {"event": "active_loop", "name": None}
    listening = {"event": "action", "name": "action_session_start"}, {"event": "session_started"}, LISTEN
    given = tracker(*listening, said("hi"), GREET, {"event": "bot", "text": "Hello"}, loop, slot, end, LISTEN)
    assert (
        given.as_story()
        == """\
version: "3.1"
stories:
- story: ann
  steps:
  - intent: greet
  - action: utter_greet
  - active_loop: booking_form
  - slot_was_set:
    - city: 'true'
  - active_loop: null
"""
    )


def test_a_conversation_without_events_is_a_story_without_steps() -> None:
    assert tracker().as_story().endswith("- story: ann\n  steps: []\n")


@pytest.mark.parametrize("word", ["1.5", "true", "null", "~", "a: b", "- a", "[a]", "#a", ""])
def test_a_word_that_yaml_would_read_otherwise_is_quoted(word: str) -> None:
    assert f"story: '{word}'" in DialogueStateTracker(word).as_story()


@pytest.mark.parametrize("word", ["no", "yes", "on", "再见 👋🏽"])
def test_other_words_are_not_quoted_for_rasa_reads_yaml_1_2(word: str) -> None:
    assert f"story: {word}\n" in DialogueStateTracker(word).as_story()


@pytest.mark.parametrize("text", ["\ttab", "two\r\nlines", "a\x85b", "a\u2028b", "\x07", "half \ud83d"])
def test_characters_that_rasa_could_not_read_again_are_escaped(text: str) -> None:
    written = tracker(said(text), {"event": "slot", "name": "city", "value": text}).as_test_story()
    assert written.isascii()
    message, slot = YAML(typ="safe", pure=True).load(written)["stories"][0]["steps"]
    assert message["user"] == slot["slot_was_set"][0]["city"] == text


@pytest.mark.parametrize(
    "text", ["hi", "two\nlines\n\n", "\n  indented", " a ", "tab\there", "👋🏽", "- a: b # c", "---"]
)
def test_a_text_is_read_again_as_it_was_said(text: str) -> None:
    written = tracker(said(text)).as_test_story()
    assert ": |" in written
    assert YAML(typ="safe", pure=True).load(written)["stories"][0]["steps"][0]["user"] == text


def test_a_story_names_entities_with_their_roles_and_groups() -> None:
    city = {"entity": "city", "value": "Ulm", "role": "from", "group": "1", "start": 0, "end": 3}
    assert (
        steps(said("Ulm", city, {"entity": "time"}))
        == """\
- intent: greet
  entities:
  - city: Ulm
    role: from
    group: '1'
  - time"""
    )


def test_entities_that_were_added_later_are_the_messages() -> None:
    added = {"event": "entities", "entities": [{"entity": "time", "value": 8}]}
    assert "- time: 8" in steps(LISTEN, said("at 8"), added)


def test_a_message_that_was_understood_by_its_text_is_written_as_text() -> None:
    by_text = {"event": "user_featurization", "use_text_for_featurization": True}
    assert steps(LISTEN, said("hi there"), by_text) == "- user: |-\n    hi there"


def test_an_action_predicted_by_its_text_is_written_as_text() -> None:
    assert steps({"event": "action", "name": None, "action_text": "Hello!"}) == "- bot: Hello!"


def test_a_retrieval_intent_is_written_in_full() -> None:
    assert steps(said("when?", intent="faq", full_retrieval_intent_name="faq/hours")) == "- intent: faq/hours"


def test_a_test_story_has_what_was_written_with_its_entities_in_it() -> None:
    city = {"entity": "city", "value": "Ulm", "start": 3, "end": 6}
    assert (
        steps(said("to Ulm\nplease 👋", city), test=True)
        == """\
- intent: greet
  user: |-
    to [Ulm](city)
    please 👋"""
    )


def test_a_reverted_turn_can_be_left_out() -> None:
    given = tracker(LISTEN, said("hi"), GREET, LISTEN, said("x", intent="nlu_fallback"), {"event": "rewind"})
    assert "nlu_fallback" in given.as_story()
    assert "nlu_fallback" not in given.as_story(EventVerbosity.APPLIED)


def test_several_sessions_make_several_stories_in_one_file() -> None:
    text = stories({"ann, story 1": [said("hi")], "ann, story 2": [GREET]})
    assert text.count("version:") == 1
    assert re.findall("story: (.*)", text) == ["ann, story 1", "ann, story 2"]


def test_a_value_that_two_events_share_is_written_twice() -> None:
    shared = ["a"]
    text = steps(*({"event": "slot", "name": name, "value": shared} for name in "xy"))
    assert "&id" not in text
    assert text.count("- a") == 2


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ([{"value": "Ulm", "role": "to"}], 'to [Ulm]{"entity": "city", "role": "to"}'),
        ([{"value": "ulm"}], 'to [Ulm]{"entity": "city", "value": "ulm"}'),
        ([{"value": "Ulm", "group": "1"}], 'to [Ulm]{"entity": "city", "group": "1"}'),
        ([{"value": "Ulm"}, {"value": "Ulm", "entity": "name"}], 'to [Ulm][{"entity": "city"}, {"entity": "name"}]'),
    ],
)
def test_entities_are_annotated_as_in_training_data(entities: list[Event], expected: str) -> None:
    assert annotated("to Ulm", [{"entity": "city", "start": 3, "end": 6, **entity} for entity in entities]) == expected


def test_an_entity_without_a_place_is_not_annotated() -> None:
    assert annotated("to Ulm", [{"entity": "city", "value": "Ulm"}]) == "to Ulm"


def test_entities_that_overlap_do_not_repeat_words() -> None:
    first = {"entity": "city", "value": "New York", "start": 0, "end": 8}
    second = {"entity": "name", "value": "York City", "start": 4, "end": 13}
    shorter = {"entity": "word", "value": "New", "start": 0, "end": 3}
    assert annotated("New York City", [second, shorter, first]) == "[New York](city) City"


def test_words_that_look_like_an_annotation_lose_it() -> None:
    assert annotated("see [this](link) and [that]{x}", []) == "see this and that"


def test_a_command_holds_its_entities_itself() -> None:
    text = '/book{"city": "Ulm"}'
    assert annotated(text, [{"entity": "city", "value": "Ulm", "start": 15, "end": 18}]) == text
