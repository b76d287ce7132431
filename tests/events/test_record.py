"""The state of the database is a function of the set of events received: `Conversation.objects.record()`."""

import json
import random
from collections import Counter

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.brokers.base import Message
from events.facets import FacetVanished, count_facets, link_facets_of_kept
from events.models import Conversation, ConversationFacet, Environment, Event, Facet, Notice, RejectedMessage
from tests.rasa import PAYLOADS, message, recorded, replied, said

pytestmark = pytest.mark.django_db


def record(*messages):
    return Conversation.objects.record(list(messages))


def state():
    """Everything that is kept, without the ids that depend on when it came."""
    conversations = {
        c.sender_id: {f.name: getattr(c, f.name) for f in c._meta.concrete_fields if f.name != "id"}
        for c in Conversation.objects.all()
    }
    events = list(
        Event.objects.order_by("conversation__sender_id", "timestamp", "digest").values_list("digest", "data")
    )
    facets = sorted(Facet.objects.values_list("kind", "value", "n_conversations"))
    links = sorted(ConversationFacet.objects.values_list("conversation__sender_id", "facet__kind", "facet__value"))
    rejected = sorted(bytes(r.body) for r in RejectedMessage.objects.all())
    return conversations, events, facets, links, rejected


def test_the_recorded_events_are_kept_once_and_read_in_their_order():
    outcome = record(*recorded())
    assert (outcome.stored, outcome.repeated, outcome.rejected) == (246, 0, 0)
    for conversation in Conversation.objects.all():
        kept = [event.data for event in conversation.events.in_order()]
        sent = [m.body.decode() for m in recorded() if f'"sender_id": "{conversation.sender_id}"' in m.body.decode()]
        assert sorted(kept) == sorted(sent)
        assert kept == sorted(sent, key=lambda data: Event(data=data, type="x").raw["timestamp"])


def test_repetition_order_and_batches_change_nothing():
    record(*recorded())
    expected = state()
    shuffled = recorded() * 3
    for seed in range(5):
        Conversation.objects.all().delete()
        for model in (Event, ConversationFacet, Facet, RejectedMessage):
            model.objects.all().delete()
        random.Random(seed).shuffle(shuffled)
        for start in range(0, len(shuffled), 97):
            record(*shuffled[start : start + 97])
        assert state() == expected


def test_two_slots_set_in_the_same_instant_are_two_rows():
    record(
        message(event="slot", timestamp=5.0, name="a", value=1), message(event="slot", timestamp=5.0, name="b", value=1)
    )
    assert Event.objects.count() == 2


def test_equal_times_keep_the_order_in_which_they_came():
    record(*(message(event="slot", timestamp=5.0, name=name, value=1) for name in "zcayb"))
    assert [event.name for event in Event.objects.in_order()] == list("zcayb")


def test_an_event_exported_again_is_the_same_event():
    live = (
        b'{"sender_id": "a", "event": "slot", "timestamp": 1.5, "metadata": {"model_id": "m"}, "name": "x", "value": 1}'
    )
    export = (
        b'{"value": 1, "name": "x", "event": "slot", "metadata": {"model_id": "m"}, "timestamp": 1.5, "sender_id": "a"}'
    )
    record(Message(live, "production"))
    assert record(Message(export, "production")).repeated == 1
    assert Event.objects.get().data.encode() == live


def test_what_rasa_keeps_in_its_tracker_store_adds_nothing_to_what_it_published():
    """`rasa export` publishes the rows of the tracker store, with sender_id last."""
    rows = [json.loads(line) for line in (PAYLOADS / "rasa_3_6_tracker_store.jsonl").read_text().splitlines()]
    exported = [
        Message(json.dumps({**json.loads(row["data"]), "sender_id": row["sender_id"]}).encode()) for row in rows
    ]
    record(*recorded())
    outcome = record(*exported)
    assert (outcome.stored, outcome.repeated) == (0, 246)


def test_a_conversation_says_what_its_events_say():
    record(
        replied("See you", timestamp=30.5, metadata={"model_id": "m2", "assistant_id": "shop"}),
        said("hi", timestamp=10.5, confidence=0.8, metadata={"model_id": "m1", "assistant_id": "shop"}),
        said(
            "bye", timestamp=20.5, confidence=0.4, intent="goodbye", channel="telegram", entities=[{"entity": "name"}]
        ),
        message(event="action", timestamp=11.0, name="utter_greet", policy="RulePolicy", confidence=1),
        message(event="slot", timestamp=12.0, name="city", value="Rome"),
    )
    conversation = Conversation.objects.get()
    assert (conversation.first_event_time, conversation.latest_event_time) == (10.5, 30.5)
    assert (conversation.n_events, conversation.n_user_messages) == (5, 2)
    assert conversation.minimum_intent_confidence == 0.4
    assert (conversation.first_user_text, conversation.latest_text) == ("hi", "See you")
    assert conversation.latest_input_channel == "telegram"
    assert (conversation.model_id, conversation.assistant_id) == ("m2", "shop")
    assert set(conversation.facets.values_list("kind", "value")) == {
        ("action", "utter_greet"),
        ("channel", "rest"),
        ("channel", "telegram"),
        ("entity", "name"),
        ("environment", "production"),
        ("intent", "goodbye"),
        ("intent", "greet"),
        ("model", "m1"),
        ("model", "m2"),
        ("policy", "RulePolicy"),
        ("slot", "city"),
        ("slot_value", 'city="Rome"'),
        ("assistant", "shop"),
        ("hour", "00"),
    }


def test_an_event_has_columns_to_filter_by():
    record(
        said("hi", timestamp=1.0, confidence=0.8),
        message(event="action", timestamp=2.0, name="utter_greet", confidence=0.5),
        message(event="slot", timestamp=3.0, name="city", value=None),
        message(event="active_loop", timestamp=4.0, name="booking_form"),
    )
    assert list(Event.objects.in_order().values_list("type", "name", "confidence", "text")) == [
        ("user", "greet", 0.8, "hi"),
        ("action", "utter_greet", 0.5, None),
        ("slot", "city", None, None),
        ("active_loop", "booking_form", None, None),
    ]


def test_the_environment_is_the_broker_s_or_production():
    record(Message(said("a", sender_id="a").body, "staging"), said("b", sender_id="b"))
    assert list(Environment.objects.values_list("name", flat=True)) == ["production", "staging"]
    links = ConversationFacet.objects.filter(facet__kind="environment")
    assert sorted(links.values_list("conversation__sender_id", "facet__value")) == [
        ("a", "staging"),
        ("b", "production"),
    ]


def test_facets_count_conversations_not_events():
    record(*(said("hi", sender_id=sender, timestamp=time) for sender in "abc" for time in (1.0, 2.0)))
    record(said("hi", sender_id="a", timestamp=3.0))
    assert Facet.objects.get(kind="intent", value="greet").n_conversations == 3


def test_what_is_no_event_is_rejected_and_its_neighbours_are_stored():
    outcome = record(
        said("one", timestamp=1.0), Message(b"\x80\x02not an event", "staging"), said("two", timestamp=2.0)
    )
    assert (outcome.stored, outcome.rejected) == (2, 1)
    rejected = RejectedMessage.objects.get()
    assert bytes(rejected.body) == b"\x80\x02not an event"
    assert "not UTF-8" in rejected.error
    assert rejected.environment == "staging"


def test_a_rejected_message_that_comes_again_is_kept_once():
    record(Message(b"bad"), Message(b"bad"))
    record(Message(b"bad"))
    assert RejectedMessage.objects.count() == 1


def test_what_the_database_refuses_is_rejected_and_its_neighbours_are_stored(monkeypatch):
    from events import recording

    def refuse(name):
        def follower(inserted):
            if any(envelope.event.said == name for _, _, envelope in inserted):
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO events_environment (name) VALUES (NULL)")

        return follower

    monkeypatch.setattr(recording, "follow", lambda recorded, _: refuse("poison")(recorded.inserted))
    batch = [said(str(number), timestamp=number) for number in range(40)]
    batch.insert(17, said("poison", timestamp=99))
    outcome = record(*batch)
    assert (outcome.stored, outcome.rejected) == (40, 1)
    assert "The database refused the event" in RejectedMessage.objects.get().error


def test_a_fault_of_the_schema_is_raised_and_rejects_nothing(monkeypatch):
    from django.db import DatabaseError

    from events import recording

    def break_down(recorded, followers):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr(recording, "follow", break_down)
    with pytest.raises(DatabaseError):
        record(said("hi"))
    assert Event.objects.count() == RejectedMessage.objects.count() == 0


def test_followers_hear_of_what_was_really_inserted(settings):
    heard.clear()
    settings.EVENT_FOLLOWERS = ["tests.events.test_record.hear"]
    record(said("one", timestamp=1.0))
    record(said("one", timestamp=1.0), said("two", timestamp=2.0))
    assert heard == [["one"], ["two"]]


heard: list[list[str | None]] = []


def hear(recorded):
    heard.append([envelope.event.said for _, _, envelope in recorded.inserted])


AWKWARD = {
    "NUL in a text": said("a\x00b"),
    "half a surrogate pair in a text": said("a\ud800b"),
    "a name of 100 kB": message(event="action", name="x" * 100_000),
    "a sender of 100 kB": said("hi", sender_id="s" * 100_000),
    "a text of 10 MB": said("word " * 2_000_000),
    "a text without spaces of 3 MB": said("x" * 3_000_000),
    "an infinite confidence": message(event="action", name="a", confidence=float("inf")),
    "a confidence that is not a number": said("hi", confidence=float("nan")),
    "900 levels": Message(b'{"sender_id": "a", "event": "x", "timestamp": 1, "d": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "tabs, newlines and backslashes": message(event="action", name="a\tb\nc\\d\\N\r"),
    "JSON with line breaks": Message(b'{"sender_id": "a",\r\n\t"event": "x",\n"timestamp": 1}'),
    "an emoji and right-to-left": said("\U0001f600 \u05e9\u05dc\u05d5\u05dd \u202etxt"),
}


@pytest.mark.parametrize("awkward", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_event_is_stored_to_the_byte_beside_its_neighbours(awkward):
    outcome = record(said("before", sender_id="n", timestamp=1.0), awkward, said("after", sender_id="n", timestamp=2.0))
    assert (outcome.stored, outcome.rejected) == (3, 0)
    assert Event.objects.exclude(conversation__sender_id="n").get().data.encode() == awkward.body
    Event.objects.exclude(conversation__sender_id="n").get().typed  # noqa: B018 - it can be read again


def test_a_replayed_message_that_can_be_kept_now_becomes_an_event():
    body = said("hi").body
    RejectedMessage.objects.create(key="0" * 32, body=body, error="of an earlier version", environment="staging")
    record(Message(b"bad"))
    outcome = RejectedMessage.objects.replay()
    assert (outcome.stored, outcome.rejected) == (1, 1)
    assert [bytes(row.body) for row in RejectedMessage.objects.all()] == [b"bad"]
    assert Environment.objects.filter(name="staging").exists()


def test_every_commit_leaves_a_notice_with_what_changed():
    record(said("hi"))
    conversation = Conversation.objects.get()
    assert Notice.objects.get().topics == [f"conversation:{conversation.pk}", "conversations"]


def test_links_and_counts_move_together():
    record(*(said("hi", sender_id=sender) for sender in "abc"))
    some = Conversation.objects.filter(sender_id__in="ab")
    assert len(some.link("tag", "billing")) == 2
    assert len(Conversation.objects.all().link("tag", "billing")) == 1
    assert Facet.objects.get(kind="tag").n_conversations == 3
    assert len(some.unlink("tag", "billing")) == 2
    assert len(some.unlink("tag", "billing")) == 0
    assert Facet.objects.get(kind="tag").n_conversations == 1


def made(sender, time, text, kind):
    metadata = {"assistant_id": text}
    if kind == "slot":
        return message(sender, "slot", time, name="size", value=text, metadata=metadata)
    return (said if kind == "user" else replied)(text, sender_id=sender, timestamp=time, metadata=metadata)


events_of_a_set = st.lists(
    st.builds(
        made,
        st.sampled_from("ab"),
        st.sampled_from([1.0, 1.5, 2.0, 7200.0]),
        st.sampled_from(["x", "y", "ä", "Z"]),
        st.sampled_from(["user", "bot", "slot"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events_of_a_set, st.randoms(use_true_random=False))
def test_any_set_of_events_gives_one_state_whatever_the_order(transactional_reset, messages, chance):
    record(*messages)
    expected = state()
    transactional_reset()
    again = messages + [m for m in messages if chance.random() < 0.5]
    chance.shuffle(again)
    for single in again:
        record(single)
    assert state() == expected
    transactional_reset()


@pytest.fixture
def transactional_reset():
    def reset():
        for model in (ConversationFacet, Event, Conversation, Facet):
            model.objects.all().delete()

    return reset


def test_conversations_of_an_older_version_get_the_newer_facets():
    record(
        said("hi", timestamp=10.5, metadata={"assistant_id": "shop"}),
        message(event="slot", timestamp=12.0, name="city", value="Rome"),
        message(event="slot", timestamp=13.0, name="cart", value=["a", "list"]),
    )
    found = set(Facet.objects.values_list("kind", "value", "n_conversations"))
    newer = Facet.objects.filter(kind__in=["slot_value", "hour", "assistant"])
    ConversationFacet.objects.filter(facet__in=newer).delete()
    newer.delete()
    for _ in range(2):
        link_facets_of_kept(range(Conversation.objects.get().pk + 1))
    assert set(Facet.objects.values_list("kind", "value", "n_conversations")) == found


def test_what_a_slot_was_set_to_goes_with_the_last_conversation_that_had_it():
    for sender in ("ann", "ben"):
        record(message(sender, "slot", 12.0, name="email", value="ann@example.com"))
    for sender, left in (("ann", 1), ("ben", 0)):
        Conversation.objects.filter(sender_id=sender).forget()
        assert Facet.objects.filter(kind="slot_value").count() == left
    assert Facet.objects.filter(kind="slot").exists()


def test_a_facet_that_was_deleted_while_it_was_to_be_counted_is_a_fault_to_try_again():
    with pytest.raises(FacetVanished), transaction.atomic():
        count_facets(Counter({999_999: 1}))
