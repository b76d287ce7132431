"""What users write comes into the inbox as it arrives: each text once, with how often and how it was understood."""

import random

import pytest
from django.db import connection

from events.brokers.base import Message
from events.models import Conversation, Event
from rasax.annotation import gathering
from rasax.annotation.models import Gathering, InboxMessage, Occurrence
from rasax.annotation.taught import follow
from rasax.conversations import forgetting
from rasax.conversations.models import Correction
from rasax.training import texts
from tests.rasa import replied, said
from tests.rasax.annotation.conftest import inbox, keep
from tests.together import at_once

pytestmark = pytest.mark.django_db


class Told:
    def __init__(self, added=(), removed=()):
        self.added, self.removed = set(map(texts.digest, added)), set(map(texts.digest, removed))


def everything():
    """The inbox, but for ids."""
    columns = ("text", "n", "first_seen", "last_seen", "intent", "confidence", "lowest", "state", "taught", "suggested")
    said = Occurrence.objects.order_by("message__digest", "timestamp").values_list("message__digest", "timestamp")
    return list(InboxMessage.objects.order_by("digest").values_list(*columns)), list(said)


def test_equal_texts_are_one_row_with_what_was_predicted_last(texts):
    assert set(texts) == {"where is it", "hello there", "I want a pizza"}
    row = texts["where is it"]
    assert (row.n, row.first_seen, row.last_seen) == (2, 10.0, 20.0)
    assert (row.intent, row.confidence, row.lowest) == ("greet", 0.2, 0.2)
    assert row.occurrences.count() == 2


def test_only_what_somebody_wrote_comes_in():
    keep(
        said("/greet", timestamp=1.0), said('/inform{"size": "L"}', timestamp=2.0), said("  ", timestamp=3.0),
        said("EXTERNAL: remind", timestamp=4.0), replied("Hello!", timestamp=5.0), said("a\x00b\ud800", timestamp=6.0),
    )  # fmt: skip
    assert list(inbox()) == ["a\ufffdb?"]


def test_a_batch_that_comes_again_in_any_order_counts_once():
    chance = random.Random(5)
    batch = [
        said(f"text {number % 7}", sender_id=f"s{number % 3}", timestamp=float(number), confidence=number / 40)
        for number in range(40)
    ]
    keep(*batch)
    first = everything()
    for _ in range(3):
        chance.shuffle(batch)
        keep(*batch[:25])
        keep(*batch[10:])
    assert everything() == first
    assert sum(row[1] for row in first[0]) == 40


def test_what_is_in_the_training_data_is_not_in_the_inbox(texts):
    follow(Told(added=["where is it", "never said"]))
    keep(said("where is it", timestamp=99.0), said("never said", timestamp=100.0))
    assert set(inbox()) == {"hello there", "I want a pizza"}
    follow(Told(removed=["where is it", "never said"]))
    assert set(inbox()) == {"hello there", "I want a pizza", "where is it", "never said"}
    assert inbox()["where is it"].n == 3
    follow(Told(added=["a third"]))
    follow(Told(removed=["a third"]))
    assert not InboxMessage.objects.filter(text="").exists()


def test_who_is_forgotten_takes_counts_and_texts_along(texts, alice):
    before = everything()
    keep(
        said("where is it", sender_id="zoe", timestamp=5.0, confidence=0.1, intent="pay"),
        said("where is it", sender_id="zoe", timestamp=50.0, intent="pay"),
        said("my card is 4111", sender_id="zoe", timestamp=51.0),
    )
    follow(Told(added=["my card is 4111"]))
    assert inbox()["where is it"].n == 4
    forgetting.forget(Conversation.objects.filter(sender_id="zoe"), alice)
    follow(Told(removed=["my card is 4111"]))
    assert everything() == before


def test_a_taught_text_of_who_is_forgotten_is_kept_without_its_words(alice):
    keep(said("my card is 4111", sender_id="zoe"))
    follow(Told(added=["my card is 4111"]))
    forgetting.forget(Conversation.objects.filter(sender_id="zoe"), alice)
    row = InboxMessage.objects.get()
    assert (row.text, row.n, row.taught, row.intent) == ("", 0, True, "")


def test_a_correction_on_a_conversation_is_a_suggestion(texts, bob, alice):
    event = Event.objects.get(text="where  is it")
    InboxMessage.objects.filter(text="where is it").update(state="skipped")
    Correction.objects.correct(event, "track_parcel", bob)
    assert inbox()["where is it"].suggested == "track_parcel"
    Correction.objects.withdraw(event, bob)
    assert inbox()["where is it"].suggested == ""
    Correction.objects.correct(event, "track_parcel", bob)
    forgetting.forget(Conversation.objects.filter(sender_id="ann"), alice)
    assert inbox()["where is it"].suggested == ""


def test_events_of_before_are_gathered_in_steps_and_not_twice(texts, monkeypatch):
    first = everything()
    keep(said("in staging", sender_id="cat", timestamp=1.0), said("hello there", sender_id="cat", timestamp=300.0))
    whole = everything()
    InboxMessage.objects.filter(text="in staging").delete()
    Occurrence.objects.filter(message__text="hello there").delete()
    InboxMessage.objects.filter(text="hello there").delete()
    assert first != everything() != whole
    monkeypatch.setattr(gathering, "STEP", 2)
    assert Gathering.objects.gather(0).percent == 0
    assert Gathering.objects.gather().is_done
    assert everything() == whole
    Gathering.objects.begin_again()
    assert Gathering.objects.gather().percent == 100
    assert everything() == whole


def test_the_environment_is_the_one_that_the_event_came_from():
    body = said("from staging", sender_id="dan").body
    keep(Message(body, "staging"), Message(body, "production"), said("from production", sender_id="dan", timestamp=2.0))
    found = dict(Occurrence.objects.values_list("message__text", "environment__name"))
    assert found == {"from staging": "staging", "from production": "production"}


@pytest.mark.django_db(transaction=True)
def test_many_who_come_at_once_lose_and_repeat_nothing(alice):
    def keep_part(part):
        chance = random.Random(part)
        rows = [(f"text {number % 20}", f"p{part}s{number % 4}", float(number)) for number in range(200)]
        batches = [rows[at : at + 20] for at in range(0, 200, 20)]
        for batch in batches:
            chance.shuffle(batch)
            keep(*(said(text, sender_id=sender, timestamp=time) for text, sender, time in batch))

    def teach():
        from django.db import transaction

        for number in range(20):
            with transaction.atomic():
                follow(Told(added=[f"text {number % 5}"], removed=[f"text {number % 5 + 5}"]))

    def forget():
        for sender in range(4):
            forgetting.forget(Conversation.objects.filter(sender_id=f"p0s{sender}"), alice)

    at_once(lambda: keep_part(0), lambda: keep_part(1), lambda: keep_part(2), teach, forget)
    counted = dict(InboxMessage.objects.filter(n__gt=0).values_list("pk", "n"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT message_id, count(*) FROM annotation_occurrence GROUP BY message_id")
        assert dict(cursor.fetchall()) == counted
    assert sum(counted.values()) == Event.objects.count()
    assert InboxMessage.objects.filter(taught=True).count() == 5
