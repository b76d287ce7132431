"""Examples asked for: pages of an intent's, and texts that stand more than once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.db.models import Count, QuerySet

from rasax.training.files import Example
from rasax.training.kept import kept
from rasax.training.projects import Project

PAGE = 100
MOST_GROUPS = 100
COUNTED = 20_000  # repeated examples, beyond which they are not told by intent


@dataclass(frozen=True)
class ExamplePage:
    rows: list[Example]
    next: int | None  # after which example the next page begins


def of_intent(intent: str, words: str = "") -> QuerySet[Example]:
    found = Example.objects.filter(intent=intent)
    return found.filter(text__icontains=words) if words else found


def page(found: QuerySet[Example], after: int = 0) -> ExamplePage:
    """By keyset: each page costs the same."""
    rows = list(found.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
    return ExamplePage(rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None)


@dataclass(frozen=True)
class Repeated:
    """Examples of one text. Within one intent they are duplicates; in several they contradict each other."""

    examples: list[Example]

    @property
    def text(self) -> str:
        return self.examples[0].text

    @property
    def intents(self) -> list[str]:
        return sorted({each.intent for each in self.examples})

    @property
    def is_conflict(self) -> bool:
        return len(self.intents) > 1

    def first_of(self, intent: str) -> Example:
        return next(each for each in self.examples if each.intent == intent)

    @property
    def keeping(self) -> list[tuple[str, list[int]]]:
        """By intent: which go where it keeps the text, and nobody else does."""
        return [
            (intent, [each.pk for each in self.examples if each.pk != self.first_of(intent).pk])
            for intent in self.intents
        ]


def _repeated() -> QuerySet[Example]:
    digests = Example.objects.order_by().values("digest").annotate(number=Count("pk")).filter(number__gt=1)
    return Example.objects.filter(digest__in=digests.values("digest"))


def repeated() -> list[Repeated]:
    """Conflicts first."""
    digests = kept(Project.objects.default(), "repeated-texts", _most_repeated)
    rows = Example.objects.filter(digest__in=digests).order_by("digest", "pk")
    groups = [Repeated(list(group)) for _, group in groupby(rows, attrgetter("digest"))]
    return sorted(groups, key=lambda group: (not group.is_conflict, group.text))


def _most_repeated() -> list[int]:
    digests = (
        Example.objects.order_by().values("digest").annotate(number=Count("pk"), intents=Count("intent", distinct=True))
    )
    wanted = digests.filter(number__gt=1).order_by("-intents", "digest").values_list("digest", flat=True)
    return list(wanted[:MOST_GROUPS])


def repeated_by_intent() -> dict[str, tuple[int, int]]:
    """How many duplicates, and how many conflicts."""
    pairs = list(_repeated().order_by("digest").values_list("digest", "intent")[:COUNTED])
    found: dict[str, list[int]] = {}
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        _count([intent for _, intent in group], found)
    return {intent: (numbers[0], numbers[1]) for intent, numbers in found.items()}


def _count(intents: list[str], found: dict[str, list[int]]) -> None:
    for intent in set(intents):
        numbers = found.setdefault(intent, [0, 0])
        numbers[0] += intents.count(intent) - 1
        numbers[1] += len(set(intents)) > 1


def chosen(pks: Iterable[str]) -> list[Example]:
    """Those that a form names; what is no number is passed over."""
    numbers = [int(pk) for pk in pks if pk.isdecimal() and len(pk) < 18]
    return list(Example.objects.filter(pk__in=numbers[:1000]).order_by("pk"))
