"""How conversations are kept. What must be true of these rows stands in ARCHITECTURE.md, "Keeping events"."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any

from django.db import models

from events import vocabulary
from events.querysets import ConversationQuerySet, EventQuerySet, FacetQuerySet, HeartbeatQuerySet, RejectedQuerySet

NAME_LENGTH = 255
TEXT_LENGTH = 10_000  # what search and previews see of a message; all of it is in Event.data
PREVIEW_LENGTH = 300
DEFAULT_ENVIRONMENT = "production"  # for brokers that carry no RASA_ENVIRONMENT, and servers that set none


def key_of(untrusted: bytes | str) -> uuid.UUID:
    """128 bits that stand for an id of any length: a B-tree refuses values over 8 kB."""
    raw = untrusted.encode() if isinstance(untrusted, str) else untrusted
    return uuid.UUID(bytes=blake2b(raw, digest_size=16).digest())


def moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)


class Environment(models.Model):
    """A Rasa server's RASA_ENVIRONMENT, as its event broker named it."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Facet(models.Model):
    """One value to filter conversations by, with how many have it: the intent greet, the tag billing, the status read.

    Names longer than 255 characters are cut, so that two which differ only after that share a facet.
    """

    class Kind(models.TextChoices):
        INTENT = "intent"
        ACTION = "action"
        ENTITY = "entity"
        SLOT = "slot"
        SLOT_VALUE = "slot_value"
        POLICY = "policy"
        CHANNEL = "channel"
        ENVIRONMENT = "environment"
        MODEL = "model"
        ASSISTANT = "assistant"
        HOUR = "hour"
        TAG = "tag"
        FLAG = "flag"
        REVIEW = "review"
        ASSIGNEE = "assignee"
        ANNOTATION = "annotation"

    kind = models.CharField(max_length=16, choices=Kind)
    value = models.CharField(max_length=NAME_LENGTH)
    n_conversations = models.BigIntegerField("conversations", default=0)

    objects = FacetQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-n_conversations", "value"]
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="facet_is_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Conversation(models.Model):
    """All events of one sender_id, and what their set says of them; only `record()` changes these columns.

    Every column is the least, the greatest, the latest or the number of something, so that neither the order in
    which events arrive nor a repetition changes it.
    """

    key = models.UUIDField(unique=True, editable=False)
    sender_id = models.TextField()
    first_event_time = models.FloatField()
    latest_event_time = models.FloatField()
    n_events = models.PositiveIntegerField("events", default=0)
    n_user_messages = models.PositiveIntegerField("user messages", default=0)
    minimum_intent_confidence = models.FloatField(null=True)
    first_user_text = models.TextField(default="")
    first_user_text_time = models.FloatField(default=vocabulary.LATEST_TIMESTAMP)
    latest_text = models.TextField(default="")
    latest_text_time = models.FloatField(default=-1)
    latest_input_channel = models.CharField(max_length=NAME_LENGTH, default="")
    latest_input_channel_time = models.FloatField(default=-1)
    model_id = models.CharField(max_length=NAME_LENGTH, default="")
    assistant_id = models.CharField(max_length=NAME_LENGTH, default="")
    model_time = models.FloatField(default=-1)
    facets: models.ManyToManyField[Facet, ConversationFacet] = models.ManyToManyField(
        Facet, through="ConversationFacet", related_name="conversations"
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-latest_event_time", "-id"]
        indexes = [
            models.Index(fields=["-latest_event_time", "-id"], name="conversations_newest_first"),
            models.Index(fields=["minimum_intent_confidence", "id"], name="conversations_by_confidence"),
            models.Index(fields=["n_user_messages"], name="conversations_by_messages"),
        ]

    def __str__(self) -> str:
        return self.sender_id if len(self.sender_id) <= 60 else f"{self.sender_id[:57]}…"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = key_of(self.sender_id)
        super().save(*args, **kwargs)

    @property
    def began(self) -> datetime:
        return moment(self.first_event_time)

    @property
    def last_active(self) -> datetime:
        return moment(self.latest_event_time)


class ConversationFacet(models.Model):
    """A conversation has a facet. Written in bulk, so without the database's own check of both keys: `record()`
    holds the conversation's row, and facets are not deleted while a conversation has them."""

    facet = models.ForeignKey(Facet, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_constraint=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["facet", "conversation"], name="conversation_has_facet_once")]

    def __str__(self) -> str:
        return f"{self.conversation_id}: {self.facet_id}"


class Event(models.Model):
    """One event, as Rasa sent it. (conversation, timestamp, digest) is its identity; (timestamp, id) its place."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="events", db_constraint=False, db_index=False
    )
    timestamp = models.FloatField(help_text="Seconds since 1970, as Rasa stamped the event")
    digest = models.BigIntegerField(help_text="64 bits of blake2b over the event's canonical JSON")
    type = models.CharField(max_length=NAME_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH, null=True, help_text="Intent, action, slot or loop")  # noqa: DJ001
    confidence = models.FloatField(null=True)
    text = models.TextField(null=True, help_text="What the user, the bot or an agent said")  # noqa: DJ001
    data = models.TextField(help_text="The JSON text as it was sent")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["timestamp", "id"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "timestamp", "digest"], name="event_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.name or ''}".strip()

    @property
    def at(self) -> datetime:
        return moment(self.timestamp)

    @cached_property
    def _read(self) -> tuple[vocabulary.Event, dict[str, Any]]:
        return vocabulary.read(self.type, self.data)

    @property
    def typed(self) -> vocabulary.Event:
        return self._read[0]

    @property
    def raw(self) -> dict[str, Any]:
        return self._read[1]


class RejectedMessage(models.Model):
    """A message that is no event we can keep: its bytes, and why. `manage.py replay_rejected` tries it again."""

    key = models.UUIDField(unique=True, editable=False, help_text="A body that comes again is kept once")
    body = models.BinaryField()
    error = models.TextField()
    environment = models.CharField(max_length=NAME_LENGTH, blank=True)
    source = models.CharField(max_length=NAME_LENGTH, blank=True, help_text="The event broker it came from")
    received_at = models.DateTimeField(auto_now_add=True)

    objects = RejectedQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M} {self.error}"


class Forgotten(models.Model):
    """Somebody whose conversation was deleted for good. What was said until then is refused, however often a broker or
    an import brings it again; what they say later begins a new conversation."""

    key = models.UUIDField(unique=True, editable=False, help_text="Stands for the sender_id, which is not kept")
    until = models.FloatField(help_text="Seconds since 1970: events up to then are dropped")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]
        verbose_name_plural = "forgotten"

    def __str__(self) -> str:
        return f"{self.key}"


class Heartbeat(models.Model):
    """What one event service last did. Alive means that it committed or was idle recently, not that it runs."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True, help_text="host:process")
    broker = models.CharField(max_length=NAME_LENGTH)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(help_text="Last commit or idle moment")
    last_delivery_at = models.DateTimeField(null=True)
    last_commit_at = models.DateTimeField(null=True)
    canary_at = models.DateTimeField(null=True, help_text="When the latest canary that came back was sent")
    queue_depth = models.BigIntegerField(null=True)
    lag_seconds = models.FloatField(
        null=True, help_text="From an event's timestamp to its commit, the last batch's worst"
    )
    n_stored = models.BigIntegerField("stored", default=0)
    n_repeated = models.BigIntegerField("repeated", default=0)
    n_rejected = models.BigIntegerField("rejected", default=0)

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        ordering = ["-beat_at"]

    def __str__(self) -> str:
        return self.name


class BrokerPosition(models.Model):
    """How far a broker that keeps no acknowledgements of its own (SQL, file) has been read."""

    broker = models.CharField(max_length=NAME_LENGTH, unique=True)
    position = models.TextField()

    def __str__(self) -> str:
        return self.broker


class Notice(models.Model):
    """That something changed, for web processes that share no channel layer: they watch this table."""

    topics = models.JSONField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return ", ".join(self.topics)


class StampPart(models.Model):
    """One of the rows whose sums are the stamp (events/stamps.py): as many as were ever moved at the same time."""

    events = models.BigIntegerField(default=0)
    marks = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)
    moved_at = models.FloatField(default=0, help_text="Seconds since 1970")

    def __str__(self) -> str:
        return f"{self.events} {self.marks} {self.forgotten}"
