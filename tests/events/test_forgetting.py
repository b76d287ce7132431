"""Who was forgotten stays forgotten, however often a broker brings what they said."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from events.brokers.base import Message
from events.models import Conversation, Event, Facet, Forgotten, RejectedMessage
from rasax.accounts.models import AuditEntry, Job, JobFile
from rasax.conversations.forgetting import enforce_retention_daily, forget
from rasax.conversations.models import Retention, Tag
from tests.rasa import message, said

pytestmark = pytest.mark.django_db
on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite in memory has one connection")
LATER = 4_000_000_000.0


def test_a_redelivery_does_not_bring_back_and_what_is_said_later_is_kept(alice):
    told = [said("my secret", sender_id="ann"), said("hello", sender_id="ben")]
    Conversation.objects.record(told)
    assert forget(Conversation.objects.filter(sender_id="ann"), alice) == 1
    outcome = Conversation.objects.record(told)
    assert (outcome.stored, outcome.repeated, outcome.forgotten) == (0, 1, 1)
    assert list(Conversation.objects.values_list("sender_id", flat=True)) == ["ben"]
    assert Conversation.objects.record([said("back again", sender_id="ann", timestamp=LATER)]).stored == 1


def test_nothing_that_names_them_is_left(alice):
    Conversation.objects.record(
        [said("hi", sender_id="ann-6517"), message("ann-6517", "slot", 2.0, name="mail", value="ann@example.com")]
    )
    bodies = [
        b'{"sender_id": "ann-6517", "event": "user"}',
        b"not JSON, but ann-6517 all the same",
        b'{"sender_id": "ben", "text": "ann-6517"}',
    ]
    Conversation.objects.record([Message(body) for body in bodies])
    conversation = Conversation.objects.get()
    Tag.objects.called("vip").put_on(Conversation.objects.all(), alice)
    JobFile.objects.create(job=Job.objects.create(kind="conversations.export"), number=0, content=b"ann-6517")
    forget(Conversation.objects.all(), alice)
    assert not Conversation.objects.exists()
    assert not Event.objects.exists()
    assert not JobFile.objects.exists()
    assert not Facet.objects.filter(n_conversations__gt=0).exists()
    assert not Facet.objects.filter(kind="slot_value").exists()
    assert [bytes(row.body) for row in RejectedMessage.objects.all()] == [bodies[2]]
    of_it = AuditEntry.objects.filter(object_type="events.conversation", object_id=str(conversation.pk))
    assert set(of_it.values_list("action", "object_name")) == {("tagged", ""), ("forgot", "")}


def test_ids_that_json_escapes_are_found_in_rejected_messages(alice):
    Conversation.objects.record([said("hi", sender_id='zoë "x"')])
    Conversation.objects.record(
        [Message(b'{"sender_id": "zo\\u00eb \\"x\\"", "event": 3}'), Message('{"sender_id": "zoë \\"x\\""}'.encode())]
    )
    assert RejectedMessage.objects.count() == 2
    forget(Conversation.objects.all(), alice)
    assert not RejectedMessage.objects.exists()


def test_conversations_are_deleted_by_age_once_a_day(alice):
    now = timezone.now().timestamp()
    Conversation.objects.record([said("old", sender_id="old", timestamp=now - 40 * 86400), said("new", timestamp=now)])
    enforce_retention_daily()
    assert Conversation.objects.count() == 2
    Retention.objects.set(30, alice)
    assert [each.sender_id for each in Retention.objects.due()] == ["old"]
    enforce_retention_daily()
    assert Conversation.objects.get().sender_id == "ann"
    Conversation.objects.record([said("late", sender_id="older", timestamp=now - 50 * 86400)])
    enforce_retention_daily()
    assert Conversation.objects.count() == 2


def somebody_waits_for_a_row():
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return True
            time.sleep(0.05)
    return False


@on_servers
@pytest.mark.django_db(transaction=True)
def test_a_recorder_that_waits_for_the_row_does_not_bring_them_back():
    told = [said(f"word {n}", timestamp=float(n)) for n in range(5)]
    Conversation.objects.record(told[:2])
    outcomes = []

    def record():
        try:
            outcomes.append(Conversation.objects.record(told))
        finally:
            connection.close()

    with transaction.atomic():
        Conversation.objects.all().forget(until=timezone.now().timestamp())
        recorder = threading.Thread(target=record)
        recorder.start()
        assert somebody_waits_for_a_row()
    recorder.join(timeout=20)
    assert [outcome.forgotten for outcome in outcomes] == [5]
    assert not Conversation.objects.exists()
    assert Forgotten.objects.count() == 1
