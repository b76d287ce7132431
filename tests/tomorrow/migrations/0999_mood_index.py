from django.db import migrations, models

from events.schema.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("events", "0998_mood")]
    operations = [AddIndexOnline("conversation", models.Index(fields=["mood"], name="conversations_by_mood"))]
