from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_facets_of_kept_events")]
    operations = [
        migrations.AddField(
            "heartbeat",
            "canary_at",
            models.DateTimeField(null=True, help_text="When the latest canary that came back was sent"),
        )
    ]
