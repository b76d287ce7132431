"""Examples that stand twice, are too few, or cannot be read; synonyms of two values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from django.db.models import Count, Max, Min, Q

from rasax.training import entities
from rasax.training.declaring import part_of
from rasax.training.files import Block, Example
from rasax.training.findings import MOST, Found
from rasax.training.formats import examples
from rasax.training.formats.errors import Refused

NAMES = ("entity", "role", "group")
FEWEST = 2  # of an intent and of an entity: below that Rasa says itself that training may fail


def found_in_examples() -> Iterator[Found]:
    yield from _broken()
    yield from _repeated()
    yield from _few()
    yield from _of_entities()


def _broken() -> Iterator[Found]:
    objects = Q(source__contains="]{") | Q(source__contains="][")
    for block, source in Example.objects.filter(objects).values_list("block", "source").iterator():
        if entities.broken(source):
            yield Found("example_broken", source, block)


def _repeated() -> Iterator[Found]:
    texts = (
        Example.objects.order_by().values("digest").annotate(times=Count("pk"), intents=Count("intent", distinct=True))
    )
    several = texts.filter(intents__gt=1).values_list("digest", flat=True)[:MOST]
    yield from _in_several(list(several))
    rows = Example.objects.order_by().values("digest", "intent").annotate(times=Count("pk"), last=Max("pk"))
    twice = list(rows.filter(times__gt=1).order_by("last").values_list("last", flat=True)[:MOST])
    for block, text, source in Example.objects.filter(pk__in=twice).values_list("block", "text", "source"):
        yield Found("example_twice", text, block, source)


def _in_several(digests: list[int]) -> Iterator[Found]:
    rows: dict[int, list[Example]] = defaultdict(list)
    for row in Example.objects.filter(digest__in=digests).order_by("pk"):
        rows[row.digest].append(row)
    for same in rows.values():
        intents = ", ".join(sorted({row.intent for row in same}))
        yield Found("example_in_two_intents", f"{same[0].text} ({intents})", same[-1].block_id, same[-1].source)


def _few() -> Iterator[Found]:
    counted = Example.objects.order_by("intent").values("intent").annotate(number=Count("pk"), first=Min("block"))
    for row in counted.filter(number__lt=FEWEST):
        yield Found("few_examples", row["intent"], row["first"])


def _of_entities() -> Iterator[Found]:
    """One pass over the examples that have entities."""
    values: dict[str, set[str]] = defaultdict(set)
    where: dict[str, tuple[int, str]] = {}
    numbers: Counter[str] = Counter()
    for words, value, block, needle in _synonyms():
        values[words].add(value)
        where[words] = block, needle
    for block, source, text, found in _annotated():
        for each in found:
            for name in (each[key] for key in NAMES if key in each):
                numbers[name] += 1
                where.setdefault(f"\0{name}", (block, source))
            words = text[each["start"] : each["end"]]
            if each["value"] != words:
                values[words].add(each["value"])
                where.setdefault(words, (block, source))
    yield from (
        Found("synonym_of_two", f"{words} ({', '.join(sorted(of))})", *where[words])
        for words, of in values.items()
        if len(of) > 1
    )
    few = sorted(name for name, number in numbers.items() if number < FEWEST)
    yield from (Found("few_entity_examples", name, *where[f"\0{name}"]) for name in few)


def _annotated() -> Iterator[tuple[int, str, str, list[entities.Entity]]]:
    rows = (
        Example.objects.filter(source__contains="](")
        | Example.objects.filter(source__contains="]{")
        | Example.objects.filter(source__contains="][")
    )
    yield from rows.values_list("block", "source", "text", "entities").iterator()


def _synonyms() -> Iterator[tuple[str, str, int, str]]:
    for block in Block.objects.filter(kind=Block.Kind.SYNONYM).select_related("file"):
        try:
            items = [node.get("examples") for _, _, node in part_of(block).nodes]
        except Refused:
            continue
        for node in items:
            for each in examples.lines(node) if node else ():
                yield each.source, block.name, block.pk, each.source
