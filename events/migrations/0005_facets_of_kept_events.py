"""Gives the conversations that are kept already the facets that newer events get as they arrive: slot values, hours,
assistants. May be interrupted and begun again: what has a facet keeps it."""

from django.db import migrations, transaction
from django.db.models import Max

CONVERSATIONS_AT_ONCE = 500


def link(apps, schema_editor):
    from events.facets import link_facets_of_kept

    conversations = apps.get_model("events", "Conversation").objects
    last = conversations.aggregate(last=Max("pk"))["last"] or 0
    for first in range(0, last + 1, CONVERSATIONS_AT_ONCE):
        with transaction.atomic():
            link_facets_of_kept(range(first, first + CONVERSATIONS_AT_ONCE))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("events", "0004_indexes_for_numbers_and_senders")]
    operations = [migrations.RunPython(link, migrations.RunPython.noop)]
