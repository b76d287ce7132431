"""All that is kept of somebody goes, and stays away."""

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from events.brokers.base import Message
from events.models import Conversation, Event, Facet, Forgotten, RejectedMessage
from rasax.accounts import sweeping
from rasax.accounts.jobs import Job
from rasax.accounts.models import AuditEntry, JobFile
from rasax.conversations import forgetting
from rasax.conversations.models import Assignment, Correction, Flag, Note, Presence, Retention, Review, SavedView, Tag
from tests.rasa import message, replied, said

WHO = "Zoë-49151234567@example.org"
SECRET = "my card is 4111-1111"
# The tables of SQLite's search index, which are its own, and temporary ones, which a commit empties.
NOT_OURS = ("events_event_search", "arriving_")


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
    ask_for_her(zoe, alice, bob)
    export = Job.objects.create(kind=forgetting.EXPORT, by=bob, state=Job.State.DONE, result={"file": "a.csv"})
    JobFile.objects.create(job=export, number=0, content=f"{WHO},{SECRET}".encode())
    return zoe


def ask_for_her(zoe, alice, bob):
    """Filters that find nobody else, wherever a filter is kept."""
    slot = f'card="{SECRET}"'
    for number, parts in enumerate(({"sender": WHO}, {"sender": WHO[:12]}, {"q": SECRET}, {"slot_value": slot})):
        query = urlencode(parts)
        view = SavedView.objects.save_as(f"View {number}", query, bob, shared=True)
        view.show(f"{query}&flagged=1", bob)
        asked = {"action": "tag", "value": "billing", "query": query, "pks": [], "reader": bob.pk}
        Job.objects.ask("conversations.change", bob, at_once=True, **asked)
        job = Job.objects.create(kind=forgetting.EXPORT, by=bob, state=Job.State.DONE, arguments=asked)
        AuditEntry.objects.note(bob, "exported", [job], filters=query, conversations=1)
    SavedView.objects.save_as(f"What {WHO} said", "flagged=1", bob).withdraw(bob)
    SavedView.objects.save_as(f"All of {WHO}", "flagged=1", bob).rename(WHO, bob)
    Job.objects.create(kind="conversations.undo", by=bob, state=Job.State.FAILED, log=f"Error: {WHO} is no number")


def everything():
    """The text of every row of every table that the database has."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in tables:
            if not table.startswith(NOT_OURS):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                yield from ((table, " ".join(map(written, row))) for row in cursor.fetchall())


def written(value):
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)


def of_her(text):
    """Also as JSON and as a URL write it."""
    names = {WHO, SECRET, WHO[:12], json.dumps(WHO)[1:-1], quote(WHO), quote_plus(SECRET), quote(WHO[:12])}
    return any(name in text for name in names)


def test_not_a_word_of_anybody_is_left_in_any_table(client, zoe, alice):
    client.force_login(alice)
    for row in (SavedView.objects.get(name=WHO), Note.objects.write(zoe, f"again {WHO}", alice)):
        page = reverse(f"admin:conversations_{row._meta.model_name}_delete", args=[row.pk])
        assert client.post(page, {"post": "yes"}).status_code == 302
    client.logout()
    there = urlencode({"next": f"/conversations/?sender={WHO}"})
    client.post(f"{reverse('login')}?{there}", {"username": "alice", "password": "guessed", "next": WHO})
    assert AccessAttempt.objects.exists()
    assert {table for table, text in everything() if of_her(text)} >= {
        "accounts_auditentry", "accounts_job", "accounts_jobfile", "conversations_note", "conversations_savedview",
        "django_admin_log", "events_conversation", "events_event", "events_facet", "events_rejectedmessage",
    }  # fmt: skip
    assert forgetting.forget(Conversation.objects.filter(pk=zoe.pk), alice) == 1
    assert [(table, text) for table, text in everything() if of_her(text)] == []
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
