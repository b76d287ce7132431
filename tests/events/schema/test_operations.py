"""The operations that lock no large table, tried on both databases: twice over, killed in between, and back."""

import pytest
from django.apps import apps as django_apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from events.models import Conversation
from events.schema.operations import AddIndexOnline, FillInBatches
from events.schema.running import Migrating, latest_run
from tests.rasa import said

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = models.Index(fields=["n_events"], name="conversations_by_length")


def apply(operation, *, backwards=False):
    """As a migration of its own would."""
    before = ProjectState.from_apps(django_apps)
    after = before.clone()
    if isinstance(operation, AddIndexOnline):
        operation.state_forwards("events", after)
    with connection.schema_editor(atomic=False) as editor:
        if backwards:
            operation.database_backwards("events", editor, after, before)
        else:
            operation.database_forwards("events", editor, before, after)


def indexes():
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, Conversation._meta.db_table))


def test_an_index_is_made_while_others_write_and_again_where_one_was_killed():
    operation = AddIndexOnline("conversation", INDEX)
    apply(operation)
    assert INDEX.name in indexes()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [INDEX.name])
    apply(operation)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [INDEX.name])
            assert cursor.fetchone() == (True,)
    apply(operation, backwards=True)
    assert INDEX.name not in indexes()


def test_rows_are_filled_in_batches_and_each_is_kept_whatever_follows():
    Conversation.objects.record([said("hi", sender_id=f"p{number}") for number in range(7)])
    filled = []

    def fill(apps, rows):
        filled.append(rows.update(assistant_id="ada"))
        if len(filled) == 2:
            raise RuntimeError("killed")

    operation = FillInBatches("events.conversation", fill, batch=3)
    with pytest.raises(RuntimeError):
        apply(operation)
    assert Conversation.objects.filter(assistant_id="ada").count() == filled[0]
    run = Migrating(connection)
    run.begin()
    run.plan(1)
    apply(operation)
    assert Conversation.objects.filter(assistant_id="ada").count() == 7
    assert latest_run(connection).told("running").progress_in_percent == 100
    run.end()


def test_nothing_is_filled_in_an_empty_table():
    apply(FillInBatches("events.conversation", lambda apps, rows: rows.no_such_method()))
