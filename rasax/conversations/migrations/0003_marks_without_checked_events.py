"""An event goes only with its conversation, to which each mark has a checked key. To the event it has none any more: where events
are kept apart by month, their ids are unique by their sequence alone, and PostgreSQL could not check one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    fine_because = (
        "PostgreSQL reads no row to drop a foreign key; SQLite copies tables of people's marks, which are small"
    )
    dependencies = [
        ("conversations", "0002_workspace"),
        ("events", "0005_facets_of_kept_events"),
    ]

    operations = [
        migrations.AlterField(
            model_name="correction",
            name="event",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="correction",
                serialize=False,
                to="events.event",
            ),
        ),
        migrations.AlterField(
            model_name="flag",
            name="event",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="flag",
                serialize=False,
                to="events.event",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="event",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notes",
                to="events.event",
            ),
        ),
    ]
