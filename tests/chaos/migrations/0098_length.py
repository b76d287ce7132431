from pathlib import Path

from django.db import migrations, models

import events.migrations

LATEST = max(path.stem for path in Path(events.migrations.__path__[0]).glob("0*.py"))


class Migration(migrations.Migration):
    dependencies = [("events", LATEST)]
    operations = [migrations.AddField("event", "length", models.IntegerField(null=True))]
