from django.db import migrations, models

POSTGRESQL = [
    # The default collation's order cannot be searched for how a text begins.
    "CREATE INDEX conversations_by_sender ON events_conversation (left(sender_id, 200) text_pattern_ops)",
    # How common a word is. PostgreSQL takes no statistics of a partial index's expression for it.
    "CREATE STATISTICS event_words ON (to_tsvector('simple'::regconfig, text)) FROM events_event",
    "ANALYZE events_event",
]
SQLITE = ["CREATE INDEX conversations_by_sender ON events_conversation (substr(sender_id, 1, 200))"]


def make_index(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    schema_editor.execute("DROP INDEX conversations_by_sender")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS event_words")


class Migration(migrations.Migration):
    dependencies = [("events", "0003_forgotten_people_and_more_facets")]
    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["minimum_intent_confidence", "id"], name="conversations_by_confidence"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["n_user_messages"], name="conversations_by_messages"),
        ),
        migrations.RunPython(make_index, drop_index),
    ]
