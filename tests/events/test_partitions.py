"""Events apart by month: nothing is lost or kept twice on the way there, there, and on the way back."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.migrations.state import ProjectState

from events.models import Conversation, Event
from events.partitions import moving, strays, tables
from events.partitions.months import OTHER, Month
from events.partitions.moving import Move
from events.partitions.tables import are_partitioned, keep_up, months
from events.schema.operations import AddIndexOnline, FillInBatches, RemoveIndexOnline
from rasax.deployment import doctor
from rasax.deployment.backup import restoring
from tests.events.apart import migrated_database
from tests.rasa import message, replied, said

pytestmark = pytest.mark.once

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
SHAPE = """
SELECT c.relname || pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE indrelid = 'events_event'::regclass UNION SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
WHERE stxrelid = 'events_event'::regclass UNION SELECT pg_get_serial_sequence('events_event', 'id')
"""


@pytest.fixture(scope="module")
def database_of_all(postgres, django_db_blocker):
    with django_db_blocker.unblock(), migrated_database(postgres, f"apart_{uuid4().hex}"):
        yield


@pytest.fixture
def database(database_of_all, django_db_blocker):
    with django_db_blocker.unblock():
        yield
        move(by_month=False)
        rows("TRUNCATE events_conversation, events_event, events_conversationfacet, events_facet CASCADE; SELECT 1")


def rows(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def move(*, by_month=True):
    Move(by_month=by_month, tell=lambda said: None).run()


def history(n=400):
    """Conversations over the turn of the year, with events on both sides of the border, and of wrong clocks."""
    chance = random.Random(5)
    events = []
    for number in range(n // 4):
        at, sender = NEW_YEAR + chance.uniform(-40, 40) * 86_400, f"p{number % 30}"
        events += [said(f"word{number}", sender_id=sender, timestamp=at), replied("ok", sender_id=sender, timestamp=at)]
        events.append(message(sender, "slot", NEW_YEAR, name="n", value=number))
        events.append(message(sender, "slot", NEW_YEAR - 1e-6, name="n", value=number))
    return [*events, message("clock", "slot", 5.0, name="past"), message("clock", "slot", 9e9, name="future")]


class Traffic:
    """Records events again and again, each several times and in any order, and forgets people, until stopped."""

    def __init__(self, events):
        self.events, self.stopping, self.failed = events, threading.Event(), None
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.stopping.set()
        self.thread.join()
        assert self.failed is None, self.failed

    def _run(self):
        chance, n = random.Random(1), 0
        try:
            while not self.stopping.is_set() or n < 20:
                Conversation.objects.record(chance.sample(self.events, 40))
                Conversation.objects.filter(sender_id=f"p{chance.randrange(30)}").forget()
                assert Event.objects.filter(timestamp=NEW_YEAR).count() >= 0
                n += 1
        except BaseException as error:  # noqa: BLE001 - told by who joins
            self.failed = error
        finally:
            connection.close()


def test_nothing_is_lost_or_doubled_on_the_way_there_and_back(database, monkeypatch):
    events = history()
    Conversation.objects.record(events)
    shape = sorted(rows(SHAPE))
    monkeypatch.setattr(moving, "BATCH", 37)
    for by_month in (True, False):
        killed_in_the_middle(monkeypatch, by_month=by_month)
        with Traffic(events):
            move(by_month=by_month)
        assert are_partitioned() is by_month
        consistent()
        outcome = Conversation.objects.record([*events, *random.Random(2).sample(events, len(events))])
        assert Event.objects.count() == len({event.body for event in events})
        assert outcome.stored + outcome.repeated == 2 * len(events)
        assert Conversation.objects.record(events).stored == 0
    assert sorted(rows(SHAPE)) == shape
    assert rows("SELECT relname FROM pg_class WHERE relname LIKE 'events_event\\_%%' AND relkind IN ('r', 'p')") == []


def killed_in_the_middle(monkeypatch, *, by_month):
    copy, left = moving._copy_batch, [3]

    def dies(*mark):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        copy(*mark)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(moving, "_copy_batch", dies)
        move(by_month=by_month)
    assert are_partitioned() is not by_month


def consistent():
    wrong = (
        "SELECT c.id FROM events_conversation c LEFT JOIN events_event e ON e.conversation_id = c.id"
        " GROUP BY c.id HAVING count(e.id) <> c.n_events"
    )
    assert rows(wrong) == []
    assert rows("SELECT id FROM events_event GROUP BY id HAVING count(*) > 1") == []
    assert rows("SELECT 1 FROM events_event WHERE conversation_id NOT IN (SELECT id FROM events_conversation)") == []
    last = rows("SELECT max(id) FROM events_event")[0][0]
    assert rows("SELECT nextval(pg_get_serial_sequence('events_event', 'id')) > %s", last) == [(True,)]


def test_what_was_begun_is_taken_back_by_the_opposite(database, monkeypatch):
    Conversation.objects.record(history(80))
    monkeypatch.setattr(moving, "BATCH", 10)
    killed_in_the_middle(monkeypatch, by_month=True)
    move(by_month=False)
    assert not are_partitioned()
    assert rows("SELECT tgname FROM pg_trigger WHERE tgrelid = 'events_event'::regclass") == []
    assert rows("SELECT to_regclass('events_event_moved'), to_regclass('events_event_other')") == [(None, None)]


def test_each_event_comes_to_its_month_and_the_coming_months_are_made_in_time(database):
    Conversation.objects.record(history())
    move()
    there = months()
    assert there[0] in (Month(2025, 11), Month(2025, 12))
    assert there[-1] == Month.of(datetime.now(UTC).timestamp()).after(3)
    for month in there:
        outside = f"SELECT 1 FROM {month.table} WHERE timestamp < %s OR timestamp >= %s"
        assert rows(outside, month.start, month.end) == []
    assert rows(f"SELECT timestamp FROM {OTHER} ORDER BY 1") == [(5.0,), (9e9,)]
    later, old = there[-1].after(2), Month(2019, 7)
    early = [message("ann", "slot", month.start + 7, name="early") for month in (later, old)]
    assert Conversation.objects.record(early).stored == 2  # kept, though they have no month yet
    assert set(keep_up(later.start)) >= {later, old, later.after(3)}
    assert rows(f"SELECT timestamp FROM {later.table}") == [(later.start + 7,)]
    assert rows(f"SELECT timestamp FROM {OTHER} ORDER BY 1") == [(5.0,), (9e9,)]
    assert keep_up(later.start) == []
    assert Conversation.objects.record(early).repeated == 2


def test_an_import_of_many_events_without_a_month_is_given_one(database, monkeypatch, capsys):
    Conversation.objects.record(history(80))
    move()
    monkeypatch.setattr(tables, "MOST_STRAYS", 10)
    monkeypatch.setattr(strays, "MOST_STRAYS", 10)
    old = [message(f"p{n}", "slot", Month(2019, 7 + n % 2).start + n, name="old") for n in range(40)]
    few = [message("ann", "slot", Month(2018, 1).start + n, name="few") for n in range(5)]
    Conversation.objects.record([*old, *few])
    assert Month(2018, 1) in (made := keep_up(NEW_YEAR))
    assert Month(2019, 7) not in made
    assert "40 events of 2019-07, 2019-08 have no table" in [*doctor._event_table()][-1].said
    an_import_goes_on(monkeypatch)
    before = rows("SELECT id, timestamp, data FROM events_event ORDER BY id")
    call_command("partition_events")
    assert "of which 2 are new" in capsys.readouterr().out
    assert rows("SELECT id, timestamp, data FROM events_event ORDER BY id") == before
    for month in (Month(2019, 7), Month(2019, 8)):
        within = f"SELECT count(*) FROM {month.table} WHERE timestamp >= %s AND timestamp < %s"
        assert rows(within, month.start, month.end)[0][0] >= 20
    assert rows(f"SELECT timestamp FROM {OTHER} ORDER BY 1") == [(5.0,), (9e9,)]
    assert [finding.state for finding in doctor._event_table()] == ["fine"]
    assert Conversation.objects.record([*old, *few, *history(80)]).stored == 0
    consistent()
    assert rows("SELECT relname FROM pg_class WHERE relname ~ '_(copied|rest)$' AND relkind = 'r'") == []


def an_import_goes_on(monkeypatch):
    """So that the tables stay as they are; what was copied of them is dropped by the next run."""
    copy, n = strays._copy, iter(range(100))

    def meanwhile(months):
        seen = copy(months)
        Conversation.objects.record([message("late", "slot", months[0].start + 1000 + next(n), name="late")])
        return seen

    with monkeypatch.context() as patched, pytest.raises(CommandError, match="when the import has ended"):
        patched.setattr(strays, "_copy", meanwhile)
        call_command("partition_events")


def test_statistics_of_the_whole_are_renewed_once_a_month(database):
    move()
    assert tables.renew_statistics(older_than=0)
    assert not tables.renew_statistics()


INDEX = models.Index(fields=["type"], name="events_by_type_of_a_long_name")
FIELD = models.IntegerField(null=True)


def apply(*operations):
    """As migrations of their own would; takes them back again."""
    from django.apps import apps

    states = [ProjectState.from_apps(apps)]
    for operation in operations:
        after = states[-1].clone()
        operation.state_forwards("events", after)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("events", editor, states[-1], after)
        states.append(after)
    yield
    for operation, after, before in zip(reversed(operations), states[:0:-1], states[-2::-1], strict=True):
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("events", editor, after, before)
    yield


def test_migrations_go_on_where_events_are_apart(database):
    from django.db.migrations import AddField

    events = history()
    Conversation.objects.record(events)
    move()
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    filled = lambda apps, found: found.update(more=1)  # noqa: E731
    steps = apply(
        AddField("event", "more", FIELD), FillInBatches("events.event", filled), AddIndexOnline("event", INDEX)
    )
    next(steps)
    assert rows("SELECT more, count(*) FROM events_event GROUP BY 1") == [(1, len({e.body for e in events}))]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert rows(valid, INDEX.name) == [(True,)]
    hanging = "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass"
    assert rows(hanging, INDEX.name) == rows(hanging, "events_event")
    assert keep_up(months()[-1].start)
    assert rows(hanging, INDEX.name) == rows(hanging, "events_event")
    next(steps)
    assert rows("SELECT to_regclass(%s)", INDEX.name) == [(None,)]


def test_an_index_that_was_killed_halfway_is_completed(database):
    move()
    partitions = rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events_event'::regclass")
    rows("CREATE INDEX by_type ON ONLY events_event (type); SELECT 1")
    rows(f"CREATE INDEX by_type_{partitions[0][0]} ON {partitions[0][0]} (type); SELECT 1")
    next(apply(AddIndexOnline("event", models.Index(fields=["type"], name="by_type"))))
    assert rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_type'::regclass") == [(True,)]
    removed = RemoveIndexOnline("event", "by_type")
    assert removed.atomic is False


def test_the_command_says_what_it_did(database, capsys):
    call_command("partition_events")
    call_command("partition_events")
    call_command("partition_events", undo=True)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("Events are kept apart by month: 4 tables, ")
    assert second.startswith("Events were kept apart by month already: 4 tables")
    assert third == "Events are in one table."


def test_the_doctor_tells_of_months_and_of_a_move_that_nobody_ends(database, monkeypatch):
    call_command("partition_events", verbosity=0)
    assert [finding.state for finding in doctor._event_table()] == ["fine"]
    with monkeypatch.context() as later:
        later.setattr("time.time", lambda: months()[-1].end)
        assert [finding.state for finding in doctor._event_table()] == ["warning"]
    Conversation.objects.record(history(80))
    monkeypatch.setattr(moving, "BATCH", 10)
    killed_in_the_middle(monkeypatch, by_month=False)
    [finding] = doctor._event_table()
    assert "partition_events again" in finding.advice
    with pytest.raises(restoring.Refused, match="on their way"):
        restoring._refuse_a_move()
    move(by_month=True)
    assert [finding.state for finding in doctor._event_table()] == ["fine"]


def test_what_refers_to_the_table_is_named(database):
    rows("CREATE VIEW talk AS SELECT text FROM events_event; SELECT 1")
    with pytest.raises(CommandError, match="the view talk"):
        call_command("partition_events")
    assert not are_partitioned()
    rows("DROP VIEW talk; SELECT 1")


def test_on_sqlite_it_says_that_it_does_not_apply(db):
    if connection.vendor == "sqlite":
        with pytest.raises(CommandError, match="on PostgreSQL only"):
            call_command("partition_events")
