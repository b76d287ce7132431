import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.vocabulary import (
    VOCABULARY,
    ActionExecuted,
    InvalidMessage,
    SlotSet,
    UnknownEvent,
    UserUttered,
    parse,
    read,
)
from tests.rasa import message, recorded


def body(**fields):
    return message(**fields).body


def test_every_recorded_event_has_a_class():
    assert len(recorded()) == 246
    kinds = {type(parse(message.body).event) for message in recorded()}
    assert UnknownEvent not in kinds
    assert len(kinds) == 21


def test_every_event_of_rasa_is_in_the_vocabulary():
    names = (
        "user bot action slot active_loop form loop_interrupted form_validation action_execution_rejected followup"
        " entities user_featurization reminder cancel_reminder session_started restart rewind undo pause resume"
        " reset_slots export agent"
    )
    assert set(VOCABULARY) == set(names.split())


def test_a_user_event_tells_intent_confidence_and_entities():
    envelope = next(e for e in map(parse, (m.body for m in recorded())) if "book a flight from NYC" in e.data)
    event = envelope.event
    assert isinstance(event, UserUttered)
    assert (event.subject, round(event.certainty or 0, 3)) == ("book_flight", 0.999)
    assert [(e.entity, e.role, e.value) for e in event.entities] == [
        ("city", "from", "New York City"),
        ("city", "to", "Paris"),
    ]


def test_events_are_frozen():
    event = parse(body(event="slot", name="city", value="Rome")).event
    assert isinstance(event, SlotSet)
    with pytest.raises(AttributeError):
        event.name = "other"  # type: ignore[misc]


def test_the_digest_ignores_the_order_of_keys_and_the_sender():
    first = parse(b'{"sender_id": "a", "event": "slot", "timestamp": 1.5, "name": "x", "value": {"p": 1, "q": 2}}')
    again = parse(b'{"value": {"q": 2, "p": 1}, "name": "x", "timestamp": 1.5, "event": "slot", "sender_id": "b"}')
    assert first.digest == again.digest


def test_the_digest_differs_when_anything_else_does():
    events = [body(event="slot", name=name, value=value) for name in "ab" for value in (1, "1", None, 1.5)]
    assert len({parse(event).digest for event in events}) == 8


def test_an_unknown_event_is_kept_as_it_is():
    raw = body(event="flow_started", flow_id="transfer_money", nested={"deep": [1, 2]})
    envelope = parse(raw)
    assert envelope.type == "flow_started"
    assert isinstance(envelope.event, UnknownEvent)
    assert envelope.data.encode() == raw


def test_an_event_with_fields_of_other_types_is_kept_without_reading_them():
    envelope = parse(body(event="user", text={"not": "text"}))
    assert envelope.type == "user"
    assert isinstance(envelope.event, UnknownEvent)
    assert envelope.event.said is None


def test_python_s_own_json_is_understood():
    envelope = parse(b'{"sender_id": "a", "event": "action", "timestamp": 1, "name": "x\\ud800", "confidence": NaN}')
    assert isinstance(envelope.event, ActionExecuted)
    assert envelope.event.name == "x\ud800"


def test_a_number_is_taken_for_the_sender_as_its_digits():
    assert parse(body(sender_id=4711)).sender_id == "4711"


def test_large_intent_ids_of_rasa_2_are_kept_to_the_digit():
    raw = body(parse_data={"intent": {"id": -9223372036854775807, "name": "greet", "confidence": 0.5}})
    _, fields = read("user", parse(raw).data)
    assert fields["parse_data"]["intent"]["id"] == -9223372036854775807


NOT_EVENTS = {
    "empty": (b"", "not JSON"),
    "not JSON": (b"<xml/>", "not JSON"),
    "a JSON list": (b"[1]", "JSON list"),
    "a Celery task": (b'[["ann"], {}, {"callbacks": null}]', "JSON list"),
    "a pickle": (b"\x80\x04\x95\x11\x00", "not UTF-8"),
    "UTF-16": ('{"sender_id": "ä"}'.encode("utf-16"), "not UTF-8"),
    "no sender": (b'{"event": "user", "timestamp": 1}', "no sender_id"),
    "an empty sender": (body(sender_id=""), "no sender_id"),
    "a sender that is a list": (body(sender_id=["ann"]), "sender_id is a JSON list"),
    "a sender that is true": (body(sender_id=True), "sender_id is a JSON boolean"),
    "a sender with NUL": (body(sender_id="a\x00b"), "NUL"),
    "a sender with half a surrogate pair": (body(sender_id="a\ud800"), "surrogate"),
    "no name": (b'{"sender_id": "a", "timestamp": 1}', "has no name"),
    "a name that is a number": (body(event=7), "has no name"),
    "a name too long": (body(event="x" * 256), "longer than 255"),
    "no timestamp": (b'{"sender_id": "a", "event": "user"}', "no timestamp"),
    "a timestamp in words": (body(timestamp="yesterday"), "no timestamp"),
    "NaN": (b'{"sender_id": "a", "event": "user", "timestamp": NaN}', "timestamp nan"),
    "infinity": (b'{"sender_id": "a", "event": "user", "timestamp": Infinity}', "timestamp inf"),
    "1e400": (b'{"sender_id": "a", "event": "user", "timestamp": 1e400}', "timestamp inf"),
    "milliseconds": (body(timestamp=1795312549273.6), "no time in seconds"),
    "a negative time": (body(timestamp=-1), "no time in seconds"),
    "100,000 levels": (b'{"sender_id": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "a huge integer": (b'{"sender_id": "a", "event": "user", "timestamp": ' + b"9" * 5000 + b"}", "not JSON"),
}


@pytest.mark.parametrize(("raw", "says"), NOT_EVENTS.values(), ids=NOT_EVENTS)
def test_what_is_no_event_is_refused_with_the_reason(raw, says):
    with pytest.raises(InvalidMessage, match=says):
        parse(raw)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(raw):
    with pytest.raises(InvalidMessage):
        parse(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(VOCABULARY)), st.dictionaries(st.text(), json_values, max_size=5))
def test_any_fields_leave_an_event_that_can_be_kept(event, fields):
    raw = json.dumps({**fields, "sender_id": "ann", "event": event, "timestamp": 1.5}).encode()
    envelope = parse(raw)
    assert (envelope.sender_id, envelope.type, envelope.timestamp) == ("ann", event, 1.5)
    assert envelope.digest == parse(raw).digest
