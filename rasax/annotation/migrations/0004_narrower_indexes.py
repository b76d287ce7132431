from django.conf import settings
from django.db import migrations, models

from events.schema.operations import AddIndexOnline, RemoveIndexOnline

TABLE = "annotation_inboxmessage"


def drop_index_of_everybody(apps, schema_editor):
    """The one that Django made for the foreign key, in which each text that nobody decided on stood as well."""
    name = schema_editor.quote_name(schema_editor._create_index_name(TABLE, ["by_id"]))
    how = "CONCURRENTLY " if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP INDEX {how}IF EXISTS {name}")


def make_index_of_everybody(apps, schema_editor):
    name = schema_editor.quote_name(schema_editor._create_index_name(TABLE, ["by_id"]))
    schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {TABLE} (by_id)")


class Migration(migrations.Migration):
    atomic = False
    fine_because = "it drops and makes indexes while others read and write"
    dependencies = [
        ("annotation", "0003_decisions_of_jobs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        AddIndexOnline(
            model_name="inboxmessage",
            index=models.Index(condition=models.Q(("waiting", True)), fields=["intent"], name="inbox_of_an_intent"),
        ),
        RemoveIndexOnline(model_name="inboxmessage", name="inbox_by_intent"),
        AddIndexOnline(
            model_name="inboxmessage",
            index=models.Index(condition=models.Q(("by__isnull", False)), fields=["by"], name="inbox_decided_by"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_of_everybody, make_index_of_everybody)],
            state_operations=[
                migrations.AlterField(
                    model_name="inboxmessage",
                    name="by",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
