from django.db import migrations

POSTGRESQL = [
    "CREATE INDEX event_text_search ON events_event USING gin (to_tsvector('simple'::regconfig, text))"
    " WHERE text IS NOT NULL"
]
SQLITE = [
    "CREATE VIRTUAL TABLE events_event_search USING fts5(text, content='events_event', content_rowid='id')",
    """
    CREATE TRIGGER events_event_search_insert AFTER INSERT ON events_event WHEN new.text IS NOT NULL BEGIN
        INSERT INTO events_event_search(rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER events_event_search_delete AFTER DELETE ON events_event WHEN old.text IS NOT NULL BEGIN
        INSERT INTO events_event_search(events_event_search, rowid, text) VALUES ('delete', old.id, old.text);
    END
    """,
]
UNDO = {
    "postgresql": ["DROP INDEX event_text_search"],
    "sqlite": [
        "DROP TRIGGER events_event_search_delete",
        "DROP TRIGGER events_event_search_insert",
        "DROP TABLE events_event_search",
    ],
}


def make_index(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunPython(make_index, drop_index)]
