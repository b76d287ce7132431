"""Who was forgotten stays away, whoever brings again what they said."""

import threading
import time

import pytest
from django.db import connection, transaction

from events import recording
from events.models import Conversation, ConversationFacet, Event, Facet, Forgotten, key_of
from events.querysets import AHEAD
from tests.rasa import message, replied, said

NOW = 1_000.0
on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
pytestmark = pytest.mark.django_db


def talk(sender_id="ann", start=100.0):
    return [
        said("hello", sender_id=sender_id, timestamp=start),
        replied("hi", sender_id=sender_id, timestamp=start + 1),
    ]


def forget(sender_id="ann", until=NOW):
    return Conversation.objects.filter(key=key_of(sender_id)).forget(until=until)


def counts_are_right():
    counts = dict(Facet.objects.values_list("pk", "n_conversations"))
    return all(ConversationFacet.objects.filter(facet=pk).count() == number for pk, number in counts.items())


def test_what_was_said_until_then_is_dropped_and_what_is_said_later_kept():
    Conversation.objects.record([*talk(), *talk("ben")])
    assert forget() == 1
    outcome = Conversation.objects.record([*talk(), *talk("ben"), said("again", timestamp=NOW)])
    assert (outcome.stored, outcome.repeated, outcome.rejected, outcome.forgotten) == (0, 2, 0, 3)
    assert [each.sender_id for each in Conversation.objects.all()] == ["ben"]
    outcome = Conversation.objects.record([*talk(), said("I am back", timestamp=NOW + 1)])
    assert (outcome.stored, outcome.forgotten) == (1, 2)
    ann = Conversation.objects.get(sender_id="ann")
    assert (ann.n_events, ann.first_event_time, ann.first_user_text) == (1, NOW + 1, "I am back")
    assert counts_are_right()


def test_nobody_is_remembered_by_name():
    Conversation.objects.record(talk("ann@example.org"))
    forget("ann@example.org")
    row = Forgotten.objects.get()
    assert row.key == key_of("ann@example.org")
    assert "ann" not in "".join(map(str, vars(row).values()))


def test_forgotten_twice_the_later_time_counts():
    for until in (NOW, NOW + 100):
        Conversation.objects.record([said("hello", timestamp=until - 1)])
        forget(until=until)
    assert Conversation.objects.record([said("hello", timestamp=NOW + 99)]).forgotten == 1
    assert Forgotten.objects.get().until == NOW + 100


def test_a_clock_that_is_ahead_brings_nothing_back_and_one_that_is_wrong_shuts_nobody_out():
    Conversation.objects.record([said("hello", timestamp=NOW + 60)])
    forget()
    assert Conversation.objects.record([said("hello", timestamp=NOW + 60)]).forgotten == 1
    Conversation.objects.record([said("hello", sender_id="ben", timestamp=NOW + 2 * AHEAD)])
    forget("ben")
    assert Conversation.objects.record([said("hello", sender_id="ben", timestamp=NOW + 1)]).stored == 1


def test_rejected_neighbours_and_odd_events_of_the_forgotten_do_no_harm():
    Conversation.objects.record(talk())
    forget()
    odd = [message("ann", "flow_started", 5.0, flow_id="x"), message("ann", "slot", float("nan")), *talk("ben")]
    outcome = Conversation.objects.record(odd)
    assert (outcome.stored, outcome.rejected, outcome.forgotten) == (2, 1, 1)


def test_looking_takes_two_queries_whatever_the_batch(django_assert_max_num_queries, settings):
    settings.EVENT_FOLLOWERS = []
    batch = [said("hello", sender_id=f"p{number}", timestamp=1.0) for number in range(300)]
    Conversation.objects.record(batch[:100])
    Conversation.objects.all().forget(until=NOW)
    with django_assert_max_num_queries(40) as captured:
        assert Conversation.objects.record(batch).forgotten == 100
    assert sum("events_forgotten" in query["sql"] for query in captured.captured_queries) == 2


def in_thread(work):
    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@on_servers
@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waits_for_a_conversation_which_is_being_forgotten_drops_its_events():
    Conversation.objects.record(talk())
    outcomes = []
    with transaction.atomic():
        forget()
        recorder = in_thread(lambda: outcomes.append(Conversation.objects.record([*talk(), *talk("ben")])))
        time.sleep(0.5)  # it has looked who is forgotten, and waits for the row
        assert recorder.is_alive()
    recorder.join(timeout=10)
    assert (outcomes[0].stored, outcomes[0].forgotten) == (2, 2)
    assert [each.sender_id for each in Conversation.objects.all()] == ["ben"]
    assert counts_are_right()


@on_servers
@pytest.mark.django_db(transaction=True)
def test_who_is_forgotten_between_the_look_and_the_row_is_not_made_again(monkeypatch):
    Conversation.objects.record(talk())
    look, looked = recording._times_forgotten, []

    def look_and_wait(envelopes):
        found = look(envelopes)
        if not looked:
            looked.append(1)
            thread = in_thread(forget)
            thread.join(timeout=10)
        return found

    monkeypatch.setattr(recording, "_times_forgotten", look_and_wait)
    assert Conversation.objects.record(talk()).forgotten == 2
    assert not Conversation.objects.exists()
    assert counts_are_right()


@on_servers
@pytest.mark.django_db(transaction=True)
def test_forgetting_under_load_leaves_nothing_and_locks_nobody_out():
    people = [f"p{number}" for number in range(20)]
    batch = [each for sender_id in people for each in talk(sender_id)]
    Conversation.objects.record(batch)
    stop, errors = threading.Event(), []

    def record_again_and_again(part):
        while not stop.is_set():
            try:
                Conversation.objects.record(part)
            except Exception as error:  # noqa: BLE001 - the test tells of any
                errors.append(error)

    recorders = [in_thread(lambda part=part: record_again_and_again(part)) for part in (batch, batch[::-1], batch[10:])]
    forgetters = [in_thread(lambda part=part: [forget(each) for each in part]) for part in (people, people[::-1])]
    [thread.join(timeout=30) for thread in forgetters]
    stop.set()
    [thread.join(timeout=30) for thread in recorders]
    assert errors == []
    assert not Conversation.objects.exists()
    assert not Event.objects.exists()
    assert counts_are_right()
