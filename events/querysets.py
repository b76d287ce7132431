"""The words of the domain: what is asked of conversations and events, and `record()`, which alone inserts events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DataError, Error, IntegrityError, models, transaction
from django.db.models.deletion import Collector
from django.utils import timezone

from events import stamps
from events.brokers.base import Message
from events.vocabulary import Envelope, InvalidMessage, parse

if TYPE_CHECKING:
    from events.models import Conversation, Event, Facet, Heartbeat, RejectedMessage  # noqa: F401
    from events.partitions.months import Month
    from events.recording import Recorded

STALE_AFTER = timedelta(seconds=20)
AHEAD = 86_400  # seconds


@dataclass(slots=True)
class Outcome:
    """What became of a batch of messages. `lag` is seconds from the oldest new event's timestamp to now."""

    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    lag: float | None = None
    forgotten: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.rejected + other.rejected,
            self.lag if other.lag is None else other.lag,
            self.forgotten + other.forgotten,
        )


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def record(self, messages: Sequence[Message], source: str = "") -> Outcome:
        """Keeps a batch of an event broker's messages, in one transaction.

        A message that is no event, or that the database refuses, becomes a RejectedMessage; its neighbours are stored.
        Every other error of the database is raised, and nothing of the batch is kept: try the whole batch again.
        """
        return self.record_read(*parse_all(messages), source)

    def record_read(
        self, arrivals: Sequence[tuple[Message, Envelope]], rejected: Sequence[tuple[Message, str]], source: str = ""
    ) -> Outcome:
        """The second half of `record`, for messages that were parsed: what they say, and those that are no events."""
        from events.recording import ForgottenMeanwhile

        while True:  # as often as somebody else commits that they forgot one of these
            try:
                return self._record_read(arrivals, rejected, source)
            except ForgottenMeanwhile:
                continue

    def _record_read(
        self, arrivals: Sequence[tuple[Message, Envelope]], rejected: Sequence[tuple[Message, str]], source: str
    ) -> Outcome:
        with transaction.atomic():
            recorded, refused = _record(arrivals)
            rejected = [*rejected, *refused]
            _reject(rejected, source)
            if changed := {conversation for r in recorded for conversation in r.conversations}:
                stamps.events_were_recorded(changed)
        times = [envelope.timestamp for r in recorded for _, _, envelope in r.inserted]
        return Outcome(
            stored=len(times),
            repeated=sum(r.repeated for r in recorded),
            rejected=len(rejected),
            lag=timezone.now().timestamp() - min(times) if times else None,
            forgotten=sum(r.forgotten for r in recorded),
        )

    def link(self, kind: str, value: str) -> set[int]:
        """Gives these conversations a facet; returns the ids of those that did not have it."""
        from events.facets import link_facets

        with transaction.atomic():
            # Locked, so that none is deleted while it is counted; in the order in which record() locks.
            pks = list(self.order_by("key").select_for_update().values_list("pk", flat=True))
            changed = link_facets((pk, kind, value) for pk in pks)
            self._announce(changed)
        return changed

    def unlink(self, kind: str, value: str) -> set[int]:
        """Takes a facet from these conversations; returns the ids of those that had it."""
        from events.facets import unlink_facet
        from events.models import ConversationFacet

        links = ConversationFacet.objects.filter(
            facet__kind=kind, facet__value=value, conversation__in=self.order_by().values("pk")
        )
        with transaction.atomic():
            changed = unlink_facet(links)
            self._announce(changed)
        return changed

    def forget(self, until: float | None = None, leaving: Iterable[Month] = ()) -> int:
        """Deletes these conversations with all that is known of them, and counts; returns how many there were.

        What the event broker or Rasa's tracker store still have of them can bring them back, unless `until`, seconds
        since 1970, is given: events up to then are refused from now on. Events of the months that are left belong to
        nobody afterwards: the caller clears these months (events/partitions/clearing.py).
        """
        from events.facets import unlink_facet
        from events.models import ConversationFacet, Event
        from events.partitions.clearing import outside
        from events.recording import follow_forgetting

        with transaction.atomic():
            pks = self._lock_and_remember(until)
            follow_forgetting(pks)
            events = Event.objects.filter(conversation__in=pks)
            for marks in Event._meta.related_objects:
                marks.field.model._base_manager.filter(**{f"{marks.field.name}__in": events}).delete()
            # As one statement: Django's own deletion would read every event first, to look what hangs on it.
            events.filter(outside(leaving))._raw_delete(events.db)
            unlink_facet(ConversationFacet.objects.filter(conversation__in=pks))
            gone: Any = self.model._default_manager.filter(pk__in=pks)
            events_stay = _EventsStay(self.db)
            events_stay.collect(gone)
            events_stay.delete()
            if pks:
                stamps.conversations_were_forgotten(pks)
        return len(pks)

    def _lock_and_remember(self, until: float | None) -> list[int]:
        from events.models import Forgotten

        found = list(self.order_by("key").select_for_update().values_list("pk", "key", "latest_event_time"))
        if until is not None:
            # A server's clock may be ahead of ours; where it is days, it is no clock.
            times = [(key, latest if until < latest < until + AHEAD else until) for _, key, latest in found]
            Forgotten.objects.bulk_create(
                [Forgotten(key=key, until=time) for key, time in times],
                update_conflicts=True,
                unique_fields=["key"],
                update_fields=["until"],
            )
        return [pk for pk, _, _ in found]

    @staticmethod
    def _announce(changed: set[int]) -> None:
        if changed:
            stamps.conversations_were_marked(changed)


class _EventsStay(Collector):
    """Django's deletion with whatever hangs on it, but for events: those that were to go have gone."""

    def related_objects(self, related_model: type[models.Model], *args: Any) -> models.QuerySet[models.Model]:
        found = super().related_objects(related_model, *args)
        return found.none() if related_model._meta.label == "events.Event" else found


def parse_all(messages: Sequence[Message]) -> tuple[list[tuple[Message, Envelope]], list[tuple[Message, str]]]:
    """What the messages say, and why others say nothing."""
    arrivals, rejected = [], []
    for message in messages:
        try:
            arrivals.append((message, parse(message.body)))
        except InvalidMessage as error:
            rejected.append((message, str(error)))
    return arrivals, rejected


def _environment(message: Message) -> str:
    """As a database can keep it; whoever may publish chooses the name."""
    return (message.environment or "")[:255].replace("\x00", "\ufffd").encode(errors="replace").decode()


def _record(arrivals: Sequence[tuple[Message, Envelope]]) -> tuple[list[Recorded], list[tuple[Message, str]]]:
    """Stores all that the database takes; halves the batch around what it refuses."""
    from events.models import DEFAULT_ENVIRONMENT
    from events.recording import record

    if not arrivals:
        return [], []
    try:
        with transaction.atomic():
            recorded = record(
                [(envelope, _environment(message) or DEFAULT_ENVIRONMENT) for message, envelope in arrivals],
                settings.EVENT_FOLLOWERS,
            )
            return [recorded], []
    except (Error, ValueError) as error:
        if not _blames_data(error):
            raise
        if len(arrivals) == 1:
            return [], [(arrivals[0][0], f"The database refused the event: {error}".strip())]
        middle = len(arrivals) // 2
        (stored, refused), (more, also) = _record(arrivals[:middle]), _record(arrivals[middle:])
        return stored + more, refused + also


def _blames_data(error: Exception) -> bool:
    """Whether the rows are at fault, not the server, the connection or the schema.

    SQLSTATE 54, "program limit exceeded", is a value too large; Django calls it operational. ValueError is what the
    drivers raise for text that they cannot encode. 23514 is a month's table that was made while the event was on its
    way to where it would have lain without: it finds the table at the next try.
    """
    code = getattr(error.__cause__, "pgcode", None) or ""
    if code == "23514":
        return False
    return isinstance(error, DataError | IntegrityError | ValueError) or code.startswith("54")


def _reject(rejected: Iterable[tuple[Message, str]], source: str) -> None:
    from events.models import NAME_LENGTH, RejectedMessage, key_of

    RejectedMessage.objects.bulk_create(
        [
            RejectedMessage(
                key=key_of(message.body),
                body=message.body,
                error=error,
                environment=_environment(message),
                source=source[:NAME_LENGTH],
            )
            for message, error in sorted(rejected, key=lambda pair: key_of(pair[0].body))
        ],
        ignore_conflicts=True,
    )


class EventQuerySet(models.QuerySet["Event"]):
    def in_order(self) -> EventQuerySet:
        return self.order_by("timestamp", "id")


class FacetQuerySet(models.QuerySet["Facet"]):
    def of(self, kind: str) -> FacetQuerySet:
        return self.filter(kind=kind, n_conversations__gt=0).order_by("-n_conversations", "value")


class RejectedQuerySet(models.QuerySet["RejectedMessage"]):
    def replay(self) -> Outcome:
        """Tries these messages again, a thousand at a time; those that are kept now are no longer rejected."""
        total = Outcome()
        for pks in _chunks(list(self.order_by("pk").values_list("pk", flat=True)), 1000):
            with transaction.atomic():
                total += self._replay(pks)
        return total

    def _replay(self, pks: Sequence[int]) -> Outcome:
        from events.models import Conversation

        rows = self.model._default_manager.select_for_update().filter(pk__in=pks).order_by("pk")
        messages = [Message(bytes(row.body), row.environment or None) for row in rows]
        rows.delete()
        return Conversation.objects.record(messages, source="replay")


def _chunks(items: list[int], size: int) -> Iterable[list[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def beat(self, name: str, **columns: Any) -> None:
        self.update_or_create(name=name, defaults=columns)

    def alive(self, now: datetime | None = None) -> HeartbeatQuerySet:
        return self.filter(beat_at__gte=(now or timezone.now()) - STALE_AFTER)
