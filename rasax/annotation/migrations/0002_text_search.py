from django.db import migrations

POSTGRESQL = [
    "CREATE INDEX inbox_text_search ON annotation_inboxmessage USING gin (to_tsvector('simple'::regconfig, text))"
]
SQLITE = [
    "CREATE VIRTUAL TABLE annotation_inboxmessage_search USING"
    " fts5(text, content='annotation_inboxmessage', content_rowid='id')",
    """
    CREATE TRIGGER annotation_inboxmessage_search_insert AFTER INSERT ON annotation_inboxmessage BEGIN
        INSERT INTO annotation_inboxmessage_search(rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER annotation_inboxmessage_search_delete AFTER DELETE ON annotation_inboxmessage BEGIN
        INSERT INTO annotation_inboxmessage_search(annotation_inboxmessage_search, rowid, text)
        VALUES ('delete', old.id, old.text);
    END
    """,
    """
    CREATE TRIGGER annotation_inboxmessage_search_update AFTER UPDATE OF text ON annotation_inboxmessage
    WHEN new.text <> old.text BEGIN
        INSERT INTO annotation_inboxmessage_search(annotation_inboxmessage_search, rowid, text)
        VALUES ('delete', old.id, old.text);
        INSERT INTO annotation_inboxmessage_search(rowid, text) VALUES (new.id, new.text);
    END
    """,
]
UNDO = {
    "postgresql": ["DROP INDEX inbox_text_search"],
    "sqlite": [
        "DROP TRIGGER annotation_inboxmessage_search_update",
        "DROP TRIGGER annotation_inboxmessage_search_delete",
        "DROP TRIGGER annotation_inboxmessage_search_insert",
        "DROP TABLE annotation_inboxmessage_search",
    ],
}


def make_index(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]
    operations = [migrations.RunPython(make_index, drop_index)]
