"""A migration stops neither readers nor events, and leaves the version that still runs what it needs."""

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now

from events.schema.operations import AddIndexOnline, FillInBatches
from tests.migration_rules import complaints, ours

# As they are: they landed before there were installations whose tables are large.
LANDED = {
    "events.0002_text_search", "events.0004_indexes_for_numbers_and_senders", "events.0005_facets_of_kept_events",
    "conversations.0001_initial", "conversations.0002_workspace",
    "accounts.0003_sessions_and_offered_permissions", "annotation.0002_text_search",
}  # fmt: skip


@pytest.fixture(scope="module")
def loader():
    return MigrationLoader(None)


def test_no_migration_that_did_not_land_yet_locks_a_large_table_or_breaks_the_version_before(loader):
    found = {f"{migration.app_label}.{migration.name}": complaints(migration, loader) for migration in ours(loader)}
    assert {name: said for name, said in found.items() if said and name not in LANDED} == {}
    assert {name for name, said in found.items() if said} >= LANDED


def migration(*operations, atomic=True, **more):
    kind = type("Migration", (migrations.Migration,), {"operations": operations, "atomic": atomic, **more})
    return kind("0006_more", "events")


def add(field):
    return migrations.AddField("event", "more", field)


INDEX = models.Index(fields=["type"], name="by_type")
REFUSED = {
    "a column that the version before does not fill": (add(models.IntegerField(default=0)), "or a db_default"),
    "a column that is computed for each row": (add(models.DateTimeField(db_default=Now())), "written anew"),
    "a column with an index": (add(models.IntegerField(null=True, db_index=True)), "brings an index"),
    "a foreign key that is checked": (
        add(models.ForeignKey("events.environment", models.CASCADE, null=True, db_index=False)), "foreign key",
    ),
    "an index that stops writers": (migrations.AddIndex("event", INDEX), "AddIndexOnline"),
    "a constraint": (
        migrations.AddConstraint("facet", models.CheckConstraint(condition=models.Q(pk__gt=0), name="x")), "every row",
    ),
    "a new type": (migrations.AlterField("event", "digest", models.TextField()), "its type"),
    "a shorter column": (migrations.AlterField("event", "type", models.CharField(max_length=10)), "max_length"),
    "a column that must be filled": (migrations.AlterField("event", "text", models.TextField()), "null"),
    "Python over all rows": (migrations.RunPython(print), "FillInBatches"),
    "SQL": (migrations.RunSQL("SELECT 1"), "RunSQL"),
    "what the version before needs": (migrations.RemoveField("heartbeat", "broker"), "may still run"),
    "batches in one transaction": (FillInBatches("events.event", print), "atomic = False"),
}  # fmt: skip


@pytest.fixture(scope="module")
def before(loader):
    """The state before the next migration of events."""

    class Before:
        def project_state(self, node, at_end):
            return loader.project_state(("events", "0005_facets_of_kept_events"))

    return Before()


@pytest.mark.parametrize(("operation", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused(before, operation, says):
    (complaint,) = complaints(migration(operation), before)
    assert says in complaint
    assert complaints(migration(operation, fine_because="so few rows that nobody notices"), before) == []
    assert complaints(migration(operation, fine_because="it is"), before)


ACCEPTED = {
    "an empty column": add(models.IntegerField(null=True)),
    "a column with a default of the database's": add(models.IntegerField(db_default=0)),
    "other choices": migrations.AlterField("facet", "kind", models.CharField(max_length=16, choices=[("a", "A")])),
    "a longer column": migrations.AlterField("event", "type", models.CharField(max_length=500)),
    "a column that may be empty": migrations.AlterField("event", "data", models.TextField(null=True)),
    "a small table's index": migrations.AddIndex("heartbeat", INDEX),
}


@pytest.mark.parametrize("operation", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_is_accepted(before, operation):
    assert complaints(migration(operation), before) == []


def test_what_works_while_others_do_is_accepted(before):
    online = [AddIndexOnline("event", INDEX), FillInBatches("events.event", print)]
    assert complaints(migration(*online, atomic=False), before) == []


def test_no_new_table_refers_to_an_event_by_a_checked_key(before):
    key = models.ForeignKey("events.event", models.CASCADE)
    (complaint,) = complaints(migration(migrations.CreateModel("Mark", [("event", key)])), before)
    assert "apart by month" in complaint


def test_a_new_table_may_be_made_as_one_likes(before):
    made = migrations.CreateModel("Event", [("id", models.BigAutoField(primary_key=True))])
    assert complaints(migration(made, migrations.AddIndex("event", INDEX)), before) == []
