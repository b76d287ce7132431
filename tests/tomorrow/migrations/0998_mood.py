from django.db import migrations, models

from tests.tomorrow.migrations import LATEST_OF_TODAY


class Migration(migrations.Migration):
    dependencies = [("events", LATEST_OF_TODAY)]
    operations = [migrations.AddField("conversation", "mood", models.CharField(max_length=20, null=True))]
