import ast
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trackers
from tests.rasa import PAYLOADS
from trackers.tracker import DialogueStateTracker, EventVerbosity, slots_of

Event = dict[str, Any]
LISTEN = {"event": "action", "name": "action_listen"}
GREET = {"event": "action", "name": "utter_greet"}
FORM = {"event": "action", "name": "booking_form"}
LOOP = {"event": "active_loop", "name": "booking_form"}
LOOP_END = {"event": "active_loop", "name": None}
REWIND = {"event": "rewind"}
UNDO = {"event": "undo"}
RESTART = {"event": "restart"}
SESSION = [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}]
RECORDED = [
    json.loads(line) for line in gzip.decompress((PAYLOADS / "rasa_3_6_states.jsonl.gz").read_bytes()).splitlines()
]


def said(text: str, *entities: Event, channel: str | None = "rest") -> Event:
    parse_data = {"intent": {"name": "inform", "confidence": 0.9}, "entities": list(entities), "text": text}
    return {"event": "user", "text": text, "parse_data": parse_data, "input_channel": channel}


def set_slot(name: str, value: Any) -> Event:
    return {"event": "slot", "name": name, "value": value}


def tracker(*events: Event, slots: dict[str, Any] | None = None, limit: int | None = None) -> DialogueStateTracker:
    timed = [{**event, "timestamp": float(at)} for at, event in enumerate(events, 1)]
    return DialogueStateTracker.from_events("ann", timed, slots, limit)


def types(events: list[Event]) -> list[str]:
    return [event.get("name") or event["event"] for event in events]


def test_a_new_tracker_has_the_state_that_rasas_has() -> None:
    empty: Event = {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}
    assert tracker(slots={"city": None}).current_state() == {
        "sender_id": "ann",
        "slots": {"city": None},
        "latest_message": empty,
        "latest_event_time": None,
        "followup_action": "action_listen",
        "paused": False,
        "events": None,
        "latest_input_channel": None,
        "active_loop": {},
        "latest_action": {},
        "latest_action_name": None,
    }


@pytest.mark.parametrize("conversation", RECORDED, ids=range(len(RECORDED)))
def test_the_state_of_a_recorded_conversation_is_rasas(conversation: Event) -> None:
    given = DialogueStateTracker.from_events(conversation["sender_id"], conversation["events"], conversation["slots"])
    for verbosity, expected in zip(EventVerbosity, conversation["rasa"]["states"], strict=True):
        state = given.current_state(verbosity)
        assert list(state) == list(expected)
        assert {**state, "events": times(state)} == {**expected, "events": times(expected)}


def times(state: Event) -> list[float] | None:
    """Rasa dumps an event of an earlier version under its new name, and drops fields; the times tell which it is."""
    return state["events"] and [event["timestamp"] for event in state["events"]]


def test_a_slot_keeps_the_last_value_that_was_set() -> None:
    given = tracker(set_slot("city", "Ulm"), set_slot("city", "Rome"), slots={"city": None, "count": 0})
    assert given.slots == {"city": "Rome", "count": 0}
    assert given.get_slot("city") == "Rome"
    assert given.get_slot("unknown") is None


def test_a_slot_that_the_domain_has_not_is_ignored() -> None:
    assert tracker(set_slot("other", 1), slots={"city": None}).slots == {"city": None}


def test_without_a_domain_every_slot_can_be_set_and_a_reset_empties_it() -> None:
    assert tracker(set_slot("b", 1), set_slot("a", 2), {"event": "reset_slots"}).slots == {"b": None, "a": None}


def test_a_reset_gives_slots_their_initial_values() -> None:
    given = tracker(set_slot("city", "Ulm"), {"event": "reset_slots"}, slots={"city": "Rome"})
    assert given.slots == {"city": "Rome"}


def test_a_list_slot_makes_a_list_of_a_single_value() -> None:
    slots = slots_of({"slots": {"tags": {"type": "list", "initial_value": "new"}}})
    assert slots is not None
    assert slots["tags"] == ["new"]
    assert tracker(set_slot("tags", "old"), slots=slots).slots["tags"] == ["old"]


def test_the_latest_message_has_the_entities_that_were_added_to_it() -> None:
    city, hour = {"entity": "city", "value": "Ulm"}, {"entity": "time", "value": 8}
    message = said("to Ulm at 8", city)
    given = tracker(LISTEN, message, {"event": "entities", "entities": [city, hour]})
    assert given.latest_message is not None
    assert given.latest_message["entities"] == [city, hour]
    assert message["parse_data"]["entities"] == [city]


def test_entities_after_another_action_than_listen_are_not_the_messages() -> None:
    given = tracker(LISTEN, said("hi"), GREET, {"event": "entities", "entities": [{"entity": "city"}]})
    assert given.latest_message is not None
    assert given.latest_message["entities"] == []


def test_entity_values_are_found_by_type_role_and_group() -> None:
    start = {"entity": "city", "value": "Ulm", "role": "from"}
    given = tracker(said("…", start, {"entity": "city", "value": "Rome"}))
    assert list(given.get_latest_entity_values("city")) == ["Rome"]
    assert list(given.get_latest_entity_values("city", role="from")) == ["Ulm"]
    assert list(given.get_latest_entity_values("city", group="1")) == []


def test_the_latest_input_channel_is_that_of_the_last_message() -> None:
    assert tracker(said("a", channel="slack"), said("b", channel="rest"), GREET).get_latest_input_channel() == "rest"


def test_an_end_to_end_action_is_named_by_its_text() -> None:
    given = tracker({"event": "action", "name": None, "action_text": "Hello!"})
    assert given.latest_action == {"action_text": "Hello!"}
    assert given.latest_action_name == "Hello!"


def test_a_followup_waits_until_an_action_ran() -> None:
    followup = {"event": "followup", "name": "utter_bye"}
    assert tracker(GREET, followup).followup_action == "utter_bye"
    assert tracker(followup, GREET).followup_action is None


def test_pause_and_resume() -> None:
    assert tracker({"event": "pause"}).is_paused()
    assert not tracker({"event": "pause"}, {"event": "resume"}).is_paused()


def test_a_restart_forgets_everything_and_starts_a_session() -> None:
    given = tracker(said("hi"), set_slot("city", "Ulm"), LOOP, {"event": "pause"}, RESTART, slots={"city": None})
    assert given.followup_action == "action_session_start"
    assert (given.slots, given.active_loop, given.is_paused()) == ({"city": None}, {}, False)
    assert given.applied_events() == []
    assert given.events_after_latest_restart() == []
    assert len(given.events) == 5


def test_a_rewind_takes_back_the_last_message_and_the_listening_before_it() -> None:
    given = tracker(LISTEN, said("a"), GREET, LISTEN, said("b"), set_slot("city", "Ulm"), REWIND, slots={"city": None})
    assert types(given.applied_events()) == ["action_listen", "user", "utter_greet"]
    assert given.slots == {"city": None}
    assert given.latest_message is not None
    assert given.latest_message["text"] == "a"


def test_an_undo_takes_back_the_last_action_and_what_followed() -> None:
    given = tracker(LISTEN, said("a"), GREET, set_slot("city", "Ulm"), UNDO, slots={"city": None})
    assert types(given.applied_events()) == ["action_listen", "user"]
    assert given.slots == {"city": None}
    assert given.latest_action_name == "action_listen"


def test_a_loop_runs_from_its_start_to_its_end() -> None:
    given = tracker(said("book"), FORM, LOOP)
    assert given.active_loop_name == "booking_form"
    assert given.active_loop["trigger_message"]["text"] == "book"
    assert tracker(FORM, LOOP, LOOP_END).active_loop == {}


@pytest.mark.parametrize("legacy", [{"event": "form", "name": "booking_form"}, {**LOOP, "metadata": {}}])
def test_a_form_of_rasa_2_is_a_loop(legacy: Event) -> None:
    interrupted = {"event": "form_validation", "validate": False}
    assert tracker(legacy, interrupted).active_loop["is_interrupted"] is True


def test_a_loop_is_rejected_until_it_runs_again() -> None:
    rejected = {"event": "action_execution_rejected", "name": "booking_form"}
    assert tracker(LOOP, rejected).active_loop["rejected"] is True
    assert tracker(LOOP, rejected, FORM).active_loop["rejected"] is False


def test_a_loop_that_runs_again_makes_the_turns_since_void() -> None:
    given = tracker(FORM, LOOP, LISTEN, said("Ulm"), FORM, set_slot("city", "Ulm"))
    assert types(given.applied_events()) == ["booking_form", "booking_form", "city"]
    assert given.latest_message is not None
    assert given.latest_message["text"] == "Ulm"


def test_a_loop_that_runs_again_after_other_actions_keeps_them() -> None:
    given = tracker(FORM, LOOP, LISTEN, said("why?"), GREET, FORM)
    assert types(given.applied_events())[2:] == ["action_listen", "user", "utter_greet", "booking_form"]


def test_a_rejected_loop_runs_anew_though_another_one_ran_again_since() -> None:
    other, other_loop = {**FORM, "name": "other_form"}, {**LOOP, "name": "other_form"}
    rejected = {"event": "action_execution_rejected", "name": "booking_form"}
    given = tracker(LOOP, other_loop, FORM, other, rejected, LISTEN, other, FORM)
    assert types(given.applied_events())[2:] == ["booking_form", "other_form", "booking_form", "booking_form"]


def test_an_action_that_turns_out_to_be_a_loop_was_one_before() -> None:
    given = tracker(FORM, LISTEN, said("Ulm"), FORM, LOOP)
    assert types(given.applied_events()) == ["booking_form", "booking_form"]


def test_each_of_many_rewinds_and_repeated_loops_takes_no_longer_than_one() -> None:
    events = [LISTEN, said("Ulm"), FORM, LISTEN, said("why?"), REWIND] * 10_000
    start = time.perf_counter()
    given = tracker(LOOP, *events)
    assert given.active_loop_name == "booking_form"
    assert time.perf_counter() - start < 10  # if each replayed what came before, an hour


def test_a_session_that_starts_forgets_the_one_before() -> None:
    given = tracker(*SESSION, said("a"), set_slot("city", "Ulm"), *SESSION, LISTEN, said("b"))
    assert given.slots == {"city": None}
    assert [len(session.events) for session in given.sessions()] == [4, 4]
    assert [session.sender_id for session in given.sessions()] == ["ann", "ann"]


def test_unknown_events_are_kept_and_change_nothing() -> None:
    given = tracker(said("a"), {"event": "flow_started", "flow_id": "transfer"})
    assert types(given.applied_events()) == ["user", "flow_started"]
    assert given.latest_event_time == 2.0


def test_an_exported_story_writes_no_file(tmp_path: Path) -> None:
    tracker({"event": "export", "path": str(tmp_path / "story.yml")}).current_state()
    assert not list(tmp_path.iterdir())


def test_the_last_event_of_a_type_is_found_with_exclusions_and_skips() -> None:
    given = tracker(LISTEN, said("a"), GREET, FORM, LISTEN, set_slot("city", "Ulm"))
    found = given.get_last_event_for("action", action_names_to_exclude=["action_listen"])
    assert found is not None
    assert found["name"] == "booking_form"
    assert given.get_last_event_for("action", skip=2) == given.events[2]
    assert given.get_last_event_for(("user", "bot")) == given.events[1]
    assert given.get_last_event_for("bot") is None


def test_time_can_be_travelled_back() -> None:
    given = tracker(said("a"), set_slot("city", "Ulm"), said("b"), slots={"city": None})
    past = given.travel_back_in_time(1.5)
    assert len(past.events) == 1
    assert past.slots == {"city": None}
    assert given.slots == {"city": "Ulm"}


def test_events_that_are_added_happen_now_unless_they_keep_their_time() -> None:
    given = tracker(said("a"))
    given.update_with_events([{**GREET, "timestamp": 3.0}], override_timestamp=False)
    assert given.latest_event_time == 3.0
    given.update_with_events([{**GREET, "timestamp": 3.0}])
    assert given.latest_event_time is not None
    assert given.latest_event_time > 1_000_000_000


def test_of_a_limited_history_the_oldest_events_go_and_their_effects_stay() -> None:
    given = tracker(set_slot("city", "Ulm"), said("a"), GREET, limit=2)
    assert types(list(given.events)) == ["user", "utter_greet"]
    assert given.slots == {"city": "Ulm"}


def test_of_a_limited_history_what_is_gone_is_not_replayed() -> None:
    assert tracker(set_slot("city", "Ulm"), GREET, UNDO, limit=2).slots == {"city": None}


def test_a_limited_history_is_all_that_is_kept() -> None:
    given = tracker(*[said("a"), GREET] * 500, limit=4)
    assert len(given.events) == 4
    assert len(given.applied_events()) == 4


def test_a_domain_has_the_slots_that_rasa_adds() -> None:
    domain = {
        "slots": {"city": {"type": "text"}, "count": {"type": "float", "initial_value": 1}, "odd": None},
        "forms": {"booking_form": {"required_slots": ["city"]}},
        "actions": ["action_x", {"action_query_knowledge_base": {"send_domain": True}}],
    }
    assert list((slots_of(domain) or {}).items()) == [
        ("city", None),
        ("count", 1),
        ("odd", None),
        ("requested_slot", None),
        ("knowledge_base_listed_objects", None),
        ("knowledge_base_last_object", None),
        ("knowledge_base_last_object_type", None),
        ("session_started_metadata", None),
    ]
    assert slots_of({}) == {"session_started_metadata": None}
    assert slots_of(None) is None


@pytest.mark.parametrize("module", ["tracker", "stories"])
def test_a_rasa_server_with_python_3_8_can_import_it(module: str) -> None:
    source = Path(trackers.__file__).with_name(f"{module}.py")
    tree = ast.parse(source.read_text(), feature_version=(3, 8))
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
    bare = [sys.executable, "-S", "-c", f"import trackers.{module}"]
    subprocess.run(bare, check=True, cwd=source.parent.parent, env={})


# Any sequence of events, odd ones too

VALUES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "city", "b"]) | st.just(["x"])
ODD = VALUES | st.just({"entity": "city"}) | st.just({"name": ["a"]}) | st.just([{"entity": "city", "start": "x"}, 1])
KINDS = """
    user action bot slot active_loop form loop_interrupted form_validation action_execution_rejected followup entities
    user_featurization rewind undo restart session_started pause resume reset_slots agent export reminder flow_started
"""
FIELDS = """
    name value text parse_data input_channel message_id metadata entities is_interrupted validate action_text timestamp
"""
SENSIBLE = st.one_of(
    st.builds(said, st.sampled_from(["hi", "/greet"]), channel=st.sampled_from(["rest", None])),
    st.builds(set_slot, st.sampled_from(["city", "other"]), VALUES),
    st.sampled_from([LISTEN, GREET, FORM, FORM, LOOP, LOOP_END, REWIND, UNDO, RESTART, *SESSION]),
    st.sampled_from(
        [
            {"event": "action", "name": "other_form"},
            {"event": "form", "name": "other_form"},
            {"event": "action_execution_rejected", "name": "booking_form"},
            {"event": "loop_interrupted", "is_interrupted": True},
            {"event": "entities", "entities": [{"entity": "city", "value": "Ulm"}]},
            {"event": "user_featurization", "use_text_for_featurization": True},
            {"event": "flow_started"},
        ]
    ),
)
ODD_EVENTS = st.builds(
    lambda kind, fields: {"event": kind, **fields},
    st.sampled_from(KINDS.split()) | ODD,
    st.dictionaries(st.sampled_from(FIELDS.split()), ODD, max_size=4),
)
SLOTS = st.sampled_from([None, {"city": None, "a": 1}])


@given(st.lists(SENSIBLE, max_size=40), SLOTS)
@settings(max_examples=200)
def test_the_state_is_that_of_a_plain_replay(events: list[Event], slots: dict[str, Any] | None) -> None:
    given = tracker(*events, slots=slots)
    assert given.current_state(EventVerbosity.APPLIED) == plainly_replayed(list(given.events), slots)


@given(st.lists(SENSIBLE, max_size=40), SLOTS, st.integers(1, 8))
@settings(max_examples=200)
def test_a_limited_history_is_replayed_as_far_as_it_is_there(
    events: list[Event], slots: dict[str, Any] | None, limit: int
) -> None:
    timed = list(tracker(*events).events)
    given = DialogueStateTracker.from_events("ann", timed, slots, limit)
    assert given.current_state(EventVerbosity.APPLIED) == plainly_replayed(timed, slots, limit)


@given(st.lists(SENSIBLE | ODD_EVENTS, max_size=30), SLOTS)
def test_reading_in_between_changes_nothing(events: list[Event], slots: dict[str, Any] | None) -> None:
    read = tracker(slots=slots)
    for event in events:
        read.update(event)
        read.current_state(EventVerbosity.APPLIED)
    unread = DialogueStateTracker.from_events("ann", events, slots)
    for verbosity in EventVerbosity:
        assert read.current_state(verbosity) == unread.current_state(verbosity)


@given(st.lists(SENSIBLE | ODD_EVENTS, max_size=30), SLOTS, st.none() | st.integers(0, 5))
@settings(max_examples=300)
def test_no_field_is_too_odd(events: list[Event], slots: dict[str, Any] | None, limit: int | None) -> None:
    before = json.dumps(events)
    given = DialogueStateTracker.from_events("ann", events, slots, limit)
    same = given.travel_back_in_time(float("inf"))
    if limit is None:
        assert same.current_state(EventVerbosity.ALL) == given.current_state(EventVerbosity.ALL)
    given.travel_back_in_time(1)
    list(given.get_latest_entity_values("city"))
    given.get_last_event_for("action", ["a"])
    assert [given.as_story(), given.as_test_story(), given.sessions()]
    assert json.dumps(events) == before


def plainly_replayed(events: list[Event], slots: dict[str, Any] | None, limit: int = 1000) -> dict[str, Any]:
    """What current_state(APPLIED) is: at each rewind and undo everything that still counts is replayed."""
    known = dict(slots) if slots is not None else {}
    state: dict[str, Any] = fresh(known)
    for at, event in enumerate(events):
        if event["event"] == "slot" and slots is None:
            known.setdefault(event["name"], None)
        if event["event"] in ("rewind", "undo"):
            state = fresh(known)
            for kept in plainly_applied(events[: at + 1][-limit:]):
                apply_plainly(state, kept, known)
        elif event["event"] in ("restart", "session_started"):
            state = fresh(known, "action_session_start" if event["event"] == "restart" else "action_listen")
        else:
            apply_plainly(state, event, known)
    events = events[-limit:]
    channels = [event["input_channel"] for event in events if event["event"] == "user"]
    action = state.pop("action")
    return {
        "sender_id": "ann",
        "latest_event_time": events[-1]["timestamp"] if events else None,
        "paused": False,
        "events": plainly_applied(events),
        "latest_input_channel": channels[-1] if channels else None,
        "latest_action": {"action_name": action} if action else {},
        "latest_action_name": action,
        **state,
    }


def fresh(slots: dict[str, Any], followup: str = "action_listen") -> dict[str, Any]:
    message: Event = {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}
    state = {"slots": dict(slots), "latest_message": message, "followup_action": followup}
    return {**state, "active_loop": {}, "action": None}


def apply_plainly(state: dict[str, Any], event: Event, known: dict[str, Any]) -> None:
    kind, name, loop = event["event"], event.get("name"), state["active_loop"]
    if kind == "user":
        message = {"intent": {}, "message_id": None, "metadata": {}, **event["parse_data"]}
        state.update(latest_message={**message, "entities": []}, followup_action=None)
    elif kind == "action":
        state.update(action=name, followup_action=None)
        if loop:
            loop["is_interrupted"] = False
            loop["rejected"] = loop["rejected"] and name != loop["name"]
    elif kind == "slot" and name in known:
        state["slots"][name] = event["value"]
    elif kind in ("active_loop", "form"):
        loop = {"name": name, "is_interrupted": False, "rejected": False, "trigger_message": None}
        state["active_loop"] = loop if name else {}
        loop["trigger_message"] = {**state["latest_message"], "entities": []}
    elif kind == "loop_interrupted" and loop:
        loop["is_interrupted"] = event["is_interrupted"]
    elif kind == "action_execution_rejected" and loop:
        loop["rejected"] = loop["rejected"] or name == loop["name"]
    elif kind == "entities" and state["action"] == "action_listen":
        state["latest_message"]["entities"] = event["entities"]


def plainly_applied(events: list[Event]) -> list[Event]:
    loops = {event["name"] for event in events if event["event"] in ("active_loop", "form") and event["name"]}
    applied: list[Event] = []
    for event in events:
        kind, name = event["event"], event.get("name")
        if kind in ("restart", "session_started"):
            applied = []
        elif kind == "undo":
            applied = up_to_last("action", applied)
        elif kind == "rewind":
            applied = up_to_last("action", up_to_last("user", applied))
        elif kind == "action" and name in loops and is_repeated(name, applied):
            last = max(at for at, earlier in enumerate(applied) if is_run(earlier, name))
            turns = ("action", "user", "user_featurization")
            applied = applied[: last + 1] + [e for e in applied[last + 1 :] if e["event"] not in turns]
        else:
            applied.append(event)
    return applied


def up_to_last(kind: str, events: list[Event]) -> list[Event]:
    found = [at for at, event in enumerate(events) if event["event"] == kind]
    return events[: found[-1]] if found else []


def is_run(event: Event, name: Any) -> bool:
    return bool(event["event"] == "action" and event["name"] == name)


def is_repeated(loop: Any, applied: list[Event]) -> bool:
    following = None
    for event in reversed(applied):
        if is_run(event, loop):
            return True
        if event["event"] in ("active_loop", "form") and event["name"] is None:
            return False
        if event["event"] == "action_execution_rejected" and event["name"] == loop:
            return False
        if event["event"] == "user" and following not in (None, loop):
            return False
        if event["event"] == "action":
            following = event["name"]
    return False
