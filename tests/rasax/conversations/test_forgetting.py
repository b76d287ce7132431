"""All that is kept of somebody goes, and stays away."""

import json

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.utils import timezone

from events.brokers.base import Message
from events.models import Conversation, Event, Facet, Forgotten, RejectedMessage
from rasax.accounts import sweeping
from rasax.accounts.jobs import Job
from rasax.accounts.models import AuditEntry, JobFile
from rasax.conversations import forgetting
from rasax.conversations.models import Assignment, Correction, Flag, Note, Presence, Retention, Review, Tag
from tests.rasa import message, replied, said

WHO = "Zoë-49151234567@example.org"
SECRET = "my card is 4111-1111"
KEPT_OF_NOBODY = {"django_session", "django_migrations"}


@pytest.fixture
def zoe(db, alice, bob):
    """Somebody with whatever can be known of a person."""
    Conversation.objects.record(
        [
            said(SECRET, sender_id=WHO, timestamp=100.0, intent="pay"),
            message(WHO, "slot", 100.5, name="card", value=SECRET),
            replied(f"Thank you, {SECRET}", sender_id=WHO, timestamp=101.0),
            Message(json.dumps({"sender_id": WHO, "event": "user"}).encode()),
            Message(json.dumps({"sender_id": WHO, "event": "bot"}, ensure_ascii=False).encode()),
            Message(f'{{"sender_id":"{WHO}", "text": "{SECRET}'.encode()),
        ]
    )
    zoe = Conversation.objects.get(sender_id=WHO)
    rows, event = Conversation.objects.filter(pk=zoe.pk), zoe.events.get(type="user")
    Tag.objects.called("billing").put_on(rows, bob)
    Review.objects.mark(rows, "reviewed", bob)
    Assignment.objects.assign(rows, bob, alice)
    Flag.objects.put_on(event, bob)
    Correction.objects.correct(event, "inform", bob)
    Note.objects.write(zoe, f"{WHO} said {SECRET}", bob, event)
    Presence.objects.arrive(zoe, bob)
    export = Job.objects.create(kind=forgetting.EXPORT, by=bob, state=Job.State.DONE, result={"file": "a.csv"})
    JobFile.objects.create(job=export, number=0, content=f"{WHO},{SECRET}".encode())
    return zoe


def everything():
    """The text of every row of every table."""
    for model in apps.get_models():
        if model._meta.managed and model._meta.db_table not in KEPT_OF_NOBODY:
            names = [field.attname for field in model._meta.concrete_fields]
            for row in models.QuerySet(model).values_list(*names):
                yield model, " ".join(bytes(v).decode() if isinstance(v, bytes | memoryview) else str(v) for v in row)


def test_not_a_word_of_anybody_is_left_in_any_table(zoe, alice):
    assert {model.__name__ for model, text in everything() if WHO in text or SECRET in text} >= {
        "AuditEntry", "Conversation", "Event", "Facet", "JobFile", "Note", "RejectedMessage",
    }  # fmt: skip
    assert forgetting.forget(Conversation.objects.filter(pk=zoe.pk), alice) == 1
    escaped = json.dumps(WHO)[1:-1]
    left = [(model, text) for model, text in everything() if any(part in text for part in (WHO, SECRET, escaped))]
    assert left == []
    assert dict(Facet.objects.filter(n_conversations__gt=0).values_list("kind", "value")) == {}


def test_the_audit_log_says_who_deleted_it_and_keeps_what_was_done(zoe, alice, bob):
    before = AuditEntry.objects.filter(object_id=zoe.pk, object_type="events.conversation").count()
    forgetting.forget(Conversation.objects.filter(pk=zoe.pk), alice)
    entries = AuditEntry.objects.filter(object_id=zoe.pk, object_type="events.conversation")
    assert entries.count() == before + 1
    assert set(entries.values_list("object_name", flat=True)) == {""}
    assert (entries.first().user, entries.first().action) == (alice, "forgot")
    assert entries.filter(action="tagged", user=bob).exists()


def test_what_others_said_stays(zoe, ann, alice):
    before = Event.objects.filter(conversation=ann).count()
    Conversation.objects.record([Message(b'{"sender_id": "ann", "event": 5}'), Message(b"no JSON at all")])
    forgetting.forget(Conversation.objects.filter(pk=zoe.pk), alice)
    assert Event.objects.filter(conversation=ann).count() == before
    assert RejectedMessage.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "goes"),
    [
        (b'{"sender_id": "7", "event": 1}', True),
        (b'{"sender_id":"7","event":1}', True),
        (b'{"event": 1, "sender_id" : "7"}', True),
        (b'{"sender_id": 7, "event": 1}', True),
        (b'{"sender_id": "\\u0037", "event": 1}', True),
        (b'{"sender_id": "17", "text": "7"}', False),
        (b'{"sender_id": 71, "text": "7"}', False),
        (b'{"text": "7 o\'clock"}', False),
        (b'\xff{"sender_id": "7"', True),
    ],
)
def test_a_short_name_is_found_where_a_sender_stands(db, alice, body, goes):
    Conversation.objects.record([said("hi", sender_id="7"), Message(body)])
    forgetting.forget(Conversation.objects.filter(sender_id="7"), alice)
    assert RejectedMessage.objects.exists() is not goes


def test_a_long_name_is_found_anywhere_in_what_has_no_sender(db, alice):
    Conversation.objects.record([said("hi", sender_id='zoë "6517"')])
    bodies = [
        'no JSON, but zoë \\"6517\\" all the same'.encode(),
        b'no JSON, but zo\\u00eb \\"6517\\"',
        b'{"sender_id": "ben", "text": "zo\\u00eb \\"6517\\""}',
    ]
    Conversation.objects.record([Message(body) for body in bodies])
    forgetting.forget(Conversation.objects.all(), alice)
    assert [bytes(row.body) for row in RejectedMessage.objects.all()] == bodies[2:]


def test_a_redelivery_a_replay_and_an_import_bring_nothing_back(zoe, alice):
    forgetting.forget(Conversation.objects.filter(pk=zoe.pk), alice)
    assert Conversation.objects.record([said(SECRET, sender_id=WHO, timestamp=100.0)]).forgotten == 1
    RejectedMessage.objects.create(
        key=Forgotten.objects.get().key, body=said(SECRET, sender_id=WHO, timestamp=100.0).body, error="a full disk"
    )
    assert RejectedMessage.objects.all().replay().forgotten == 1
    assert not Conversation.objects.exists()


def test_of_many_a_part_is_one_transaction(db, alice, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 3)
    Conversation.objects.record([said("hi", sender_id=f"p{number}") for number in range(10)])
    assert forgetting.forget(Conversation.objects.all(), alice) == 10
    assert AuditEntry.objects.filter(action="forgot").count() == 10


def test_only_who_may_delete_sees_the_page(client, zoe, bob, alice):
    client.force_login(bob)
    assert client.post(f"/conversations/{zoe.pk}/forget/").status_code == 403
    client.force_login(alice)
    assert client.post(f"/conversations/{zoe.pk}/forget/").status_code == 303
    assert not Conversation.objects.exists()


class TestRetention:
    @pytest.fixture
    def old_and_new(self, db):
        now = timezone.now().timestamp()
        for days in (1, 29, 31, 400):
            Conversation.objects.record([said("hi", sender_id=f"{days} days", timestamp=now - days * 86_400)])

    def kept(self):
        return sorted(Conversation.objects.values_list("sender_id", flat=True))

    def test_what_is_due_goes_each_day(self, old_and_new, alice):
        sweeping.do_chores()
        assert len(self.kept()) == 4
        Retention.objects.set(30, alice)
        assert Retention.objects.due().count() == 2
        sweeping.do_chores()
        assert self.kept() == ["1 days", "29 days"]
        entry = AuditEntry.objects.filter(action="forgot").first()
        assert (entry.user, entry.detail) == (None, {"why": "retention"})
        Retention.objects.set(7, alice)
        sweeping.do_chores()
        assert self.kept() == ["1 days", "29 days"], "not before a day has passed"
        Retention.objects.update(last_run_at=None)
        sweeping.do_chores()
        assert self.kept() == ["1 days"]
        assert Conversation.objects.record([said("hi", sender_id="400 days", timestamp=5.0)]).forgotten == 1

    def test_by_command(self, old_and_new, alice, capsys):
        call_command("enforce_retention")
        assert "kept for ever" in capsys.readouterr().out
        Retention.objects.set(30, alice)
        call_command("enforce_retention", "--dry-run")
        assert "Would delete 2 conversations" in capsys.readouterr().out
        assert len(self.kept()) == 4
        call_command("enforce_retention")
        assert "Deleted 2 conversations" in capsys.readouterr().out
        assert Retention.objects.get().last_run_at is not None

    def test_who_says_something_meanwhile_is_not_due_any_more(self, old_and_new, alice, monkeypatch):
        Retention.objects.set(30, alice)
        forget_exports = forgetting._forget_exports
        monkeypatch.setattr(forgetting, "AT_ONCE", 1)

        def say_something():
            forget_exports()
            for sender_id in set(self.kept()) & {"31 days", "400 days"}:
                later = timezone.now().timestamp()
                Conversation.objects.record([said("wait", sender_id=sender_id, timestamp=later)])

        monkeypatch.setattr(forgetting, "_forget_exports", say_something)
        assert Retention.objects.enforce() == 1

    def test_it_is_written_down(self, alice, db):
        Retention.objects.set(30, alice)
        Retention.objects.set(None, alice)
        details = AuditEntry.objects.order_by("pk").values_list("action", "detail")
        assert [detail for _, detail in details] == [{"before": None, "after": 30}, {"before": 30, "after": None}]
        assert Retention.objects.count() == 1
