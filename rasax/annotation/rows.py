"""The rows of the inbox, and one text with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from rasax.accounts.models import User
from rasax.annotation.decisions import Opinion
from rasax.annotation.filters import InboxFilters, Position
from rasax.annotation.finding import Finding
from rasax.annotation.inbox import InboxMessage, Occurrence
from rasax.annotation.reading import Reading, readings, writable
from rasax.conversations.wording import UNSURE, ago, percent, timestamp
from rasax.training.files import Mention
from rasax.training.marking import Marker, known_entities

PAGE = 50
MOST_PLACES = 10  # conversations that a text is shown to be from
MOST_NAMES = 500  # to choose from while somebody types


@dataclass
class Row:
    message: InboxMessage

    @property
    def id(self) -> str:
        return str(self.message.pk)

    @property
    def intent(self) -> str:
        return self.message.suggested or self.message.intent

    @property
    def sure(self) -> str:
        return percent(self.message.lowest) if self.message.n or self.message.parsed else ""

    @property
    def unsure(self) -> bool:
        return self.message.lowest < UNSURE

    @property
    def disputed(self) -> bool:
        return bool(getattr(self.message, "disputed", False))

    @property
    def seconds(self) -> float:
        message = self.message
        return message.last_seen if message.n else message.at.timestamp() if message.at else timezone.now().timestamp()

    @property
    def time(self) -> str:
        return timestamp(self.seconds)

    @property
    def ago(self) -> str:
        return ago(self.seconds)


@dataclass
class Page:
    rows: list[Row]
    further: Position | None


def page(filters: InboxFilters, reader: User, before: Position | None) -> Page:
    rows = InboxMessage.objects.all()
    if settings.SECOND_OPINION:
        rows = rows.annotate(disputed=Exists(Opinion.objects.filter(message=OuterRef("pk"))))
    found = Finding(filters, reader.pk, rows).page(PAGE + 1, before)
    last = found[PAGE - 1] if len(found) > PAGE else None
    column = filters.ordering[0]
    return Page([Row(each) for each in found[:PAGE]], Position(getattr(last, column), last.pk) if last else None)


@dataclass
class Shown(Row):
    """The chosen text."""

    @cached_property
    def reading(self) -> Reading:
        return readings([self.message]).get(self.message.pk, Reading())

    @property
    def suggestion(self) -> str:
        return self.reading.suggestion(self.message)

    @property
    def text(self) -> str:
        return writable(self.message.text)

    @property
    def marker(self) -> Marker:
        entities = self.reading.entities
        return Marker(self.text, entities, known_entities([each["entity"] for each in entities]))

    @property
    def intents(self) -> list[str]:
        names = Mention.objects.filter(kind=Mention.Kind.INTENT).order_by("name").values_list("name", flat=True)
        return list(names.distinct()[:MOST_NAMES])

    @cached_property
    def places(self) -> list[Occurrence]:
        """Where it was said last."""
        said = Occurrence.objects.filter(message=self.message).select_related("event__conversation")
        return list(said.order_by("-timestamp", "-pk")[:MOST_PLACES])

    @cached_property
    def opinions(self) -> list[Opinion]:
        if not settings.SECOND_OPINION:
            return []
        return list(Opinion.objects.filter(message=self.message).select_related("by"))
