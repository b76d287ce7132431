from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_facets_of_kept_events")]

    operations = [
        migrations.CreateModel(
            name="StampPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("events", models.BigIntegerField(default=0)),
                ("marks", models.BigIntegerField(default=0)),
                ("forgotten", models.BigIntegerField(default=0)),
                ("moved_at", models.FloatField(default=0, help_text="Seconds since 1970")),
            ],
        ),
    ]
