"""Fills the inbox from events that were kept before there was one, step by step; may be interrupted at any time."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db import models, transaction
from django.db.models import Exists, Max, Min, OuterRef

from events import live
from events.models import DEFAULT_ENVIRONMENT, Conversation, ConversationFacet, Event, Facet
from events.recording import ensure_environments
from events.vocabulary import UserUttered
from rasax.accounts.sweeping import chore
from rasax.annotation.following import Said, is_written, take
from rasax.annotation.inbox import TOPIC, Occurrence
from rasax.annotation.taught import teach_kept
from rasax.training import texts
from rasax.training.projects import Project

STEP = 5_000  # ids of events
AT_ONCE = 10.0  # seconds of one round of chores


class GatheringQuerySet(models.QuerySet["Gathering"]):
    def current(self) -> Gathering:
        return self.get_or_create(pk=1)[0]

    def begin_again(self) -> Gathering:
        """Looks at every event once more; what was taken is not taken twice."""
        self.update_or_create(pk=1, defaults={"position": 0, "until": None})
        return self.current()

    def gather(self, seconds: float = AT_ONCE) -> Gathering:
        """Goes on for so long; returns how far it is."""
        deadline = time.monotonic() + seconds
        gathering = self.current()
        while not gathering.is_done and time.monotonic() < deadline:
            gathering = gathering.step()
        return gathering


class Gathering(models.Model):
    """One row: up to which event the inbox was filled from those that were kept before it."""

    position = models.BigIntegerField(default=0)
    until = models.BigIntegerField(null=True, help_text="The last event to look at; known when it has begun")

    objects = GatheringQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.position} of {self.until}"

    @property
    def is_done(self) -> bool:
        return self.until is not None and self.position >= self.until

    @property
    def percent(self) -> int:
        return 100 if self.is_done else int(100 * self.position / self.until) if self.until else 0

    @transaction.atomic
    def step(self) -> Gathering:
        """Takes some thousand events more; of many workers one does it."""
        mine = Gathering.objects.select_for_update().get(pk=self.pk)
        if mine.until is None:
            mine._begin()
        else:
            first, mine.position = mine.position + 1, min(mine.position + STEP, mine.until)
            if gather(first, mine.position):
                live.announce({TOPIC})
        mine.save()
        return mine

    def _begin(self) -> None:
        """A step of its own, for it locks texts, and what follows locks conversations before them."""
        with Project.objects.default().held():
            teach_kept()
        ids = Event.objects.aggregate(first=Min("pk"), last=Max("pk"))
        self.position, self.until = max((ids["first"] or 0) - 1, 0), ids["last"] or 0


def gather(first: int, last: int) -> int:
    """Takes the events of these ids, inclusive, that are not in the inbox yet; returns how many."""
    known = Occurrence.objects.filter(event=OuterRef("pk"))
    events = Event.objects.filter(pk__gte=first, pk__lte=last, type=UserUttered.TYPE, text__isnull=False)
    missing = events.filter(~Exists(known)).order_by()
    # Locked as record() does: one that is deleted meanwhile must not come back.
    pks = sorted(set(missing.values_list("conversation", flat=True)))
    conversations = Conversation.objects.filter(pk__in=pks).order_by("key").select_for_update()
    locked = set(conversations.values_list("pk", flat=True))
    environments = _environments_of(locked)
    rows = missing.values_list("timestamp", "pk", "text", "name", "confidence", "conversation")
    return take(
        Said(timestamp, pk, texts.digest(text), text, name or "", confidence, environments[conversation])
        for timestamp, pk, text, name, confidence, conversation in rows
        if conversation in locked and is_written(text)
    )


def _environments_of(conversations: Iterable[int]) -> dict[int, int]:
    """By conversation. Which of several an event came from was not kept: the first by name stands for them."""
    links = ConversationFacet.objects.filter(conversation__in=conversations, facet__kind=Facet.Kind.ENVIRONMENT)
    names = dict(
        links.order_by().values("conversation").annotate(n=Min("facet__value")).values_list("conversation", "n")
    )
    found = {pk: names.get(pk, DEFAULT_ENVIRONMENT) for pk in conversations}
    ids = ensure_environments(set(found.values()))
    return {pk: ids[name] for pk, name in found.items()}


@chore
def gather_kept_messages() -> None:
    Gathering.objects.gather()
