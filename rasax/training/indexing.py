"""The rows that are found and counted, made anew from a block's text where it changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from rasax.training import entities, texts
from rasax.training.edits import Followed
from rasax.training.files import NAME_LENGTH, Block, Example, Mention
from rasax.training.formats import reading
from rasax.training.formats.blocks import Part

BATCH = 1000
Said = tuple[str, str]  # an example's intent, and its source


@dataclass
class Index:
    """Gathers what many blocks need, and writes it at once."""

    added: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    _examples: list[Example] = field(default_factory=list)
    _mentions: list[Mention] = field(default_factory=list)

    def forget(self, block_pks: Iterable[int]) -> None:
        """Before the blocks are deleted, and their rows with them."""
        self.gone.update(Example.objects.filter(block__in=list(block_pks)).values_list("digest", flat=True))

    def add(self, block: Block, part: Part) -> None:
        said = [(each.intent, each.source) for each in reading.written(part)]
        self._say(block, said)
        self._mention(block, _mentions(part, said))

    def change(self, block: Block, part: Part) -> None:
        """Only the rows of examples that differ: there may be many thousands beside them."""
        new = [(each.intent, each.source) for each in reading.written(part)]
        rows = Example.objects.filter(block=block).order_by("pk")
        old = list(rows.values_list("intent", "source"))
        head, tail = _same(old, new)
        if len(old) == len(new):
            self._rewrite(list(rows[head : len(old) - tail]), new[head : len(new) - tail])
        else:  # rows are in the order of the examples: what follows a place where the number changed is made anew
            tail = tail if len(new) < len(old) and head + tail == len(new) else 0
            self._drop(rows, head, len(old) - tail)
            self._say(block, new[head : len(new) - tail])
        self._change_mentions(block, _mentions(part, new))

    def _rewrite(self, rows: list[Example], said: list[Said]) -> None:
        for row, each in zip(rows, said, strict=True):
            self.gone.add(row.digest)
            _fill(row, each)
            self.added.add(row.digest)
        Example.objects.bulk_update(rows, ["intent", "source", "text", "entities", "digest"], batch_size=BATCH)

    def _drop(self, rows: QuerySet[Example], start: int, end: int) -> None:
        found = list(rows.values_list("pk", "digest")[start:end])
        self.gone.update(digest for _, digest in found)
        pks = [pk for pk, _ in found]
        for at in range(0, len(pks), BATCH):
            Example.objects.filter(pk__in=pks[at : at + BATCH]).delete()

    def _say(self, block: Block, said: list[Said]) -> None:
        rows = [_fill(Example(block=block), each) for each in said]
        self.added.update(row.digest for row in rows)
        self._examples += rows

    def _mention(self, block: Block, mentions: Iterable[reading.Mention]) -> None:
        self._mentions += [
            Mention(block=block, kind=kind, name=name[:NAME_LENGTH], how=how) for kind, name, how in mentions
        ]

    def _change_mentions(self, block: Block, mentions: dict[reading.Mention, None]) -> None:
        old = {(row.kind, row.name, row.how): row.pk for row in Mention.objects.filter(block=block)}
        Mention.objects.filter(pk__in=[pk for key, pk in old.items() if key not in mentions]).delete()
        self._mention(block, (key for key in mentions if key not in old))

    def write(self) -> Followed:
        Example.objects.bulk_create(self._examples, batch_size=BATCH)
        Mention.objects.bulk_create(self._mentions, batch_size=BATCH)
        return Followed(self.added - self.gone, self._left(self.gone - self.added))

    def _left(self, digests: set[int]) -> set[int]:
        """Those of which no example is left."""
        asked, there = sorted(digests), set[int]()
        for at in range(0, len(asked), BATCH):
            some = asked[at : at + BATCH]
            there.update(Example.objects.filter(digest__in=some).values_list("digest", flat=True))
        return digests - there


def _fill(row: Example, said: Said) -> Example:
    row.intent, row.source = said[0][:NAME_LENGTH], said[1]
    row.text, row.entities = entities.read(said[1])
    row.digest = texts.digest(row.text)
    return row


def _same(old: list[Said], new: list[Said]) -> tuple[int, int]:
    """How many are the same at the beginning, and of the rest at the end."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    rest = shorter - head
    return head, next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)


def _mentions(part: Part, said: list[Said]) -> dict[reading.Mention, None]:
    return reading.mentions(part) | reading.taught([source for _, source in said])
