from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_facets_of_kept_events")]
    operations = [migrations.AddField("event", "length", models.IntegerField(null=True))]
