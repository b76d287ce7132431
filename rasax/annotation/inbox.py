"""The NLU inbox: what users wrote, equal texts once, until somebody says what they mean.

A row is a function of the set of kept events, of the training data, and of what people decided. Rows are locked in the
order of their digests, after conversations and before facets; whoever wants the project's row, too, locks that first.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import NAME_LENGTH, Environment, Event

TOPIC = "inbox"


class InboxMessage(models.Model):
    """A text by its digest. Also of every example there is a row, which may hold no text: nobody said it yet.

    `lowest` and the `confidence` of each occurrence are 0 where nothing was predicted.
    """

    class State(models.TextChoices):
        NEW = "new", _("New")
        ANNOTATED = "annotated", _("Annotated")
        SKIPPED = "skipped", _("Skipped")
        DELETED = "deleted", _("Deleted")

    digest = models.BigIntegerField(unique=True, help_text="Of the text: training.texts.digest()")
    text = models.TextField(blank=True)
    n = models.PositiveBigIntegerField("times", default=0)
    first_seen = models.FloatField(default=0.0, help_text="Seconds since 1970")
    last_seen = models.FloatField(default=0.0, help_text="Seconds since 1970")
    latest_event = models.BigIntegerField(null=True, help_text="The id of the event that said it last")
    intent = models.CharField(max_length=NAME_LENGTH, blank=True, help_text="That was predicted last")
    confidence = models.FloatField(null=True, help_text="Of the latest prediction")
    lowest = models.FloatField(default=0.0, help_text="The least confidence of all predictions")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    taught = models.BooleanField(default=False, help_text="An example of the training data says the same")
    added = models.BooleanField(default=False, help_text="Somebody put it here, whether or not a user said it")
    environments = models.BigIntegerField(
        null=True, help_text="bit_of() those in which it was said, and maybe of others; null where nobody noted them"
    )
    # Null, for what must not be is given to SQLite by a new table, without what searches the texts.
    parsed = models.TextField(  # noqa: DJ001
        null=True, help_text="JSON of an event, where a Rasa server was asked what it means"
    )
    waiting = models.GeneratedField(
        expression=models.ExpressionWrapper(Q(state="new") & Q(taught=False), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    suggested = models.CharField(max_length=NAME_LENGTH, blank=True, help_text="What a correction says it means")
    annotated_as = models.CharField(max_length=NAME_LENGTH, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    at = models.DateTimeField(null=True, help_text="When it was decided on")

    class Meta:
        ordering = ["lowest", "id"]
        indexes = [
            models.Index(fields=["lowest", "id"], name="inbox_least_sure", condition=Q(waiting=True)),
            models.Index(fields=["intent"], name="inbox_of_an_intent", condition=Q(waiting=True)),
            models.Index(fields=["n", "id"], name="inbox_most_frequent", condition=Q(waiting=True)),
            models.Index(fields=["last_seen", "id"], name="inbox_newest", condition=Q(waiting=True)),
            models.Index(fields=["state", "at", "id"], name="inbox_decided", condition=Q(waiting=False)),
            models.Index(fields=["by"], name="inbox_decided_by", condition=Q(by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"text {self.pk}"  # the audit log keeps this when nothing of who said it may be kept

    @property
    def hash(self) -> str:
        return f"{self.digest % 2**64:016x}"


class Occurrence(models.Model):
    """That an event says a text. Written in bulk by who holds the event's conversation, so without foreign keys in the
    database."""

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="occurrence"
    )
    message = models.ForeignKey(
        InboxMessage, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="occurrences"
    )
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    timestamp = models.FloatField()
    confidence = models.FloatField()

    class Meta:
        indexes = [
            models.Index(fields=["message", "timestamp", "environment"], name="occurrences_of_a_text"),
            models.Index(fields=["environment", "timestamp", "message"], name="occurrences_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.message_id}"


def bit_of(environment: int) -> int:
    """In InboxMessage.environments; several of many share one."""
    return 1 << environment % 62


def by_digest() -> models.QuerySet[InboxMessage]:
    """In the order in which rows are locked."""
    return InboxMessage.objects.order_by(F("digest"))
