from django.db import migrations, models
from django.db.models.functions import Coalesce, Length

from events.schema.operations import AddIndexOnline, FillInBatches


def fill(apps, rows):
    rows.filter(length=None).update(length=Coalesce(Length("text"), 0))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("events", "0098_length")]
    operations = [
        FillInBatches("events.event", fill),
        AddIndexOnline("event", models.Index(fields=["length"], name="events_by_length")),
    ]
