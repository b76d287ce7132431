from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0006_stamp")]
    operations = [
        migrations.AddField(
            "heartbeat",
            "canary_at",
            models.DateTimeField(null=True, help_text="When the latest canary that came back was sent"),
        )
    ]
