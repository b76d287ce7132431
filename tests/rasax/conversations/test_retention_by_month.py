"""Where events are apart by month, what is due goes with whole tables, and is as gone as if it had gone row by row."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from events.models import Conversation, Event, Facet, Forgotten
from events.partitions import clearing
from events.partitions.months import Month
from events.partitions.moving import Move
from events.partitions.tables import months_of
from rasax.accounts.models import User
from rasax.conversations import forgetting
from rasax.conversations.models import Flag, Retention
from tests.events.apart import migrated_database
from tests.rasa import message, replied, said

pytestmark = pytest.mark.once

NOW = timezone.now().timestamp()
OLD, NEXT = (Month.of(NOW).after(number) for number in (-7, -6))


@pytest.fixture
def database(postgres, django_db_blocker):
    with django_db_blocker.unblock(), migrated_database(postgres, f"retention_{uuid4().hex}") as url:
        yield url


def history():
    """Old ones; one that began long ago and goes on; one of today."""
    events = []
    for number in range(20):
        at, sender = (OLD if number % 2 else NEXT).start + number * 3600, f"old{number}"
        events += [
            said("secret", sender_id=sender, timestamp=at, intent="old"),
            replied("yes", sender_id=sender, timestamp=at),
        ]
    events.append(message("old1", "slot", NEXT.start + 1, name="card", value="4111"))
    for at in (OLD.start + 5, NEXT.start + 5, NOW - 60):
        events.append(said("still here", sender_id="faithful", timestamp=at))
    return [*events, said("hi", sender_id="new", timestamp=NOW - 50)]


def keep_for(days):
    Retention.objects.set(days, None)


def tables():
    with connection.cursor() as cursor:
        return months_of(cursor)


def kept():
    return sorted(Event.objects.values_list("conversation__sender_id", "timestamp"))


LEFT = sorted([("faithful", OLD.start + 5), ("faithful", NEXT.start + 5), ("faithful", NOW - 60), ("new", NOW - 50)])
DAYS = int((NOW - NEXT.end) / 86_400) - 1  # so that both months are over


def test_what_is_due_goes_with_its_month_and_nothing_brings_it_back(database):
    events = history()
    Conversation.objects.record(events)
    somebody = User.objects.create_user("bob", password="bob-secret-words")
    Flag.objects.put_on(Event.objects.filter(text="secret")[0], somebody)
    Move(by_month=True, tell=lambda said: None).run()
    oids = ask("SELECT to_regclass(%s)::oid, to_regclass(%s)::oid", OLD.table, NEXT.table)
    keep_for(DAYS)
    assert Retention.objects.enforce() == 20
    assert kept() == LEFT
    assert ask("SELECT to_regclass(%s)::oid, to_regclass(%s)::oid", OLD.table, NEXT.table)[0] != oids[0]
    assert (tables()[OLD], tables()[NEXT]) == (clearing.CLEARED, clearing.CLEARED)
    assert Event.objects.count() == 4  # and so nothing is left that belongs to nobody
    assert not Facet.objects.filter(value="old", n_conversations__gt=0).exists()
    assert (Forgotten.objects.count(), Flag.objects.count()) == (20, 0)
    outcome = Conversation.objects.record(events)
    assert (outcome.stored, outcome.repeated, outcome.forgotten) == (0, 4, 41)
    assert kept() == LEFT
    assert Conversation.objects.record([said("late", sender_id="faithful", timestamp=OLD.start + 9)]).stored == 1
    assert Retention.objects.enforce() == 0


def ask(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def test_what_a_killed_run_left_is_cleared_even_if_all_is_kept_for_ever_since(database, monkeypatch):
    Conversation.objects.record(history())
    Move(by_month=True, tell=lambda said: None).run()
    keep_for(DAYS)
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "clear", lambda months: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Retention.objects.enforce()
    assert Event.objects.count() > 4
    keep_for(None)
    Retention.objects.update(last_run_at=timezone.now() - timedelta(days=2))
    forgetting.enforce_retention_daily()
    assert Event.objects.count() == 4
    assert kept() == LEFT


def test_a_month_of_which_most_stays_is_cleared_row_by_row(database):
    Conversation.objects.record(history())
    Conversation.objects.record([message("faithful", "slot", OLD.start + 10 + n, name="n") for n in range(60)])
    Move(by_month=True, tell=lambda said: None).run()
    before = ask("SELECT to_regclass(%s)::oid, to_regclass(%s)::oid", OLD.table, NEXT.table)[0]
    keep_for(DAYS)
    Retention.objects.enforce()
    after = ask("SELECT to_regclass(%s)::oid, to_regclass(%s)::oid", OLD.table, NEXT.table)[0]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
    assert Event.objects.count() == 64


def test_by_whole_months_a_conversation_stays_until_its_month_is_over(database, settings):
    settings.RETENTION_BY_MONTH = True
    Conversation.objects.record(history())
    keep_for(int((NOW - NEXT.start) / 86_400) - 10)  # some days into the second month
    assert Retention.objects.due().count() == 9  # of the first month; one of them went on in the second
