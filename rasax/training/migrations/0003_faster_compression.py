from django.db import migrations

TABLE = "training_block"
IS_BUILT_WITH = (
    "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)"  # PostgreSQL 14
)


def compress_with(method):
    """Of texts that are written from now on: a megabyte is written again with each edit inside it."""

    def compress(apps, schema_editor):
        if schema_editor.connection.vendor != "postgresql":
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(IS_BUILT_WITH)
            if cursor.fetchone():
                cursor.execute(f"ALTER TABLE {TABLE} ALTER COLUMN text SET COMPRESSION {method}")

    return compress


class Migration(migrations.Migration):
    fine_because = "it changes how texts are written from now on, and no row"
    dependencies = [
        ("training", "0002_version_control"),
    ]
    operations = [
        migrations.RunPython(compress_with("lz4"), compress_with("default")),
    ]
