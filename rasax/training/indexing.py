"""The rows that are found and counted, made anew from a block's text where it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from rasax.training import entities, progress, texts
from rasax.training.edits import Followed, Said
from rasax.training.files import NAME_LENGTH, Block, Example, Mention
from rasax.training.formats import escapes, reading
from rasax.training.formats.blocks import Part
from rasax.training.formats.uses import TAUGHT

BATCH = 1000
SAID = ["intent", "source", "text", "entities", "digest"]  # columns of an example
WITH_EXAMPLES = {Block.Kind.INTENT, Block.Kind.TEXT}
ESCAPED = Q(source__contains="\\u") | Q(source__contains="\\U")
Mentions = dict[reading.Mention, None]
Line = tuple[str, str]  # an example's intent, and its source


@dataclass
class Index:
    """Gathers what many blocks need, and writes it at once."""

    added: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    escaped: set[int] = field(default_factory=set)  # files in which escapes may stand for other characters now
    _examples: list[Example] = field(default_factory=list)
    _mentions: list[Mention] = field(default_factory=list)
    _again: dict[int, tuple[Block, Mentions]] = field(default_factory=dict)  # what changed blocks mention now

    def forget(self, block_pks: Iterable[int]) -> None:
        """Before the blocks are deleted, and their rows with them."""
        self.gone.update(Example.objects.filter(block__in=list(block_pks)).values_list("digest", flat=True))

    def add(self, block: Block, part: Part) -> None:
        said = [(each.intent, each.source) for each in reading.written(part)]
        self._say(block, said)
        self._mention(block, _mentions(part, said))

    def change(self, block: Block, part: Part, was: str) -> None:
        """Only the rows of examples that differ: there may be many thousands beside them."""
        new = [(each.intent, each.source) for each in reading.written(part)]
        if WITH_EXAMPLES & {block.kind, was}:
            self._change_examples(block, new)
        self._again[block.pk] = block, _mentions(part, new)

    def _change_examples(self, block: Block, new: list[Line]) -> None:
        rows = Example.objects.filter(block=block).order_by("pk")
        old = list(rows.values_list("intent", "source"))
        if len(old) == len(new):
            self._alter(block, list(rows.values_list("pk", flat=True)), old, new)
        else:  # rows are in the order of the examples: what follows a place where the number changed is made anew
            head, tail = _same(old, new)
            tail = tail if len(new) < len(old) and head + tail == len(new) else 0
            self._drop(rows, head, len(old) - tail)
            self._say(block, new[head : len(new) - tail])

    def _alter(self, block: Block, pks: list[int], old: list[Line], new: list[Line]) -> None:
        """Those that differ; where only their intent has another name, without reading them."""
        moved, changed = dict[str, list[int]](), dict[int, Line]()
        for pk, before, after in zip(pks, old, new, strict=True):
            if before[1] != after[1]:
                changed[pk] = after
            elif before != after:
                moved.setdefault(after[0], []).append(pk)
        for intent, some in moved.items():
            for batch in _batches(some):
                Example.objects.filter(pk__in=batch).update(intent=intent[:NAME_LENGTH])
        for batch in _batches(list(changed)):
            rows = list(Example.objects.filter(pk__in=batch))
            for row in rows:
                row.block = block
            self._rewrite(rows, [changed[row.pk] for row in rows])

    def say(self, block: Block, said: Said) -> None:
        """As change(), of a block of many examples: only those that are named are looked at."""
        rows = list(Example.objects.filter(pk__in=list(said.rows)))
        before = reading.taught([row.source for row in rows])
        kept = [(row, source) for row in rows if (source := said.rows[row.pk]) is not None]
        self._rewrite([row for row, _ in kept], [(block.name, source) for _, source in kept])
        gone = [row for row in rows if said.rows[row.pk] is None]
        self.gone.update(row.digest for row in gone)
        Example.objects.filter(pk__in=[row.pk for row in gone]).delete()
        self._say(block, [(block.name, source) for source in said.added])
        after = reading.taught([*said.added, *(source for _, source in kept)])
        self._mention_again(block, before, after)

    def _mention_again(self, block: Block, before: Mentions, after: Mentions) -> None:
        there = set(Mention.objects.filter(block=block).values_list("kind", "name", "how")) if after else set()
        self._mention(block, (key for key in after if key not in there))
        for kind, name, how in before.keys() - after.keys():
            if not _teaches(block.text, kind, name):
                Mention.objects.filter(block=block, kind=kind, name=name, how=how).delete()

    def _rewrite(self, rows: list[Example], said: list[Line]) -> None:
        for row, each in zip(rows, said, strict=True):
            self.gone.add(row.digest)
            self._fill(row, each)
            self.added.add(row.digest)
        self._save(rows)

    def _save(self, rows: list[Example]) -> None:
        """In few statements: what bulk_update() writes takes a millisecond of the processor for each."""
        Example.objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=SAID
        )

    def _drop(self, rows: QuerySet[Example], start: int, end: int) -> None:
        found = list(rows.values_list("pk", "digest")[start:end])
        self.gone.update(digest for _, digest in found)
        for batch in _batches([pk for pk, _ in found]):
            Example.objects.filter(pk__in=batch).delete()

    def _say(self, block: Block, said: list[Line]) -> None:
        rows = [self._fill(Example(block=block), each) for each in said]
        self.added.update(row.digest for row in rows)
        self._examples += rows

    def _fill(self, row: Example, said: Line) -> Example:
        """As it is written; what its escapes stand for, write() finds out: it depends on the whole file."""
        row.intent, row.source = said[0][:NAME_LENGTH], said[1]
        if escapes.WRITTEN.search(row.source):
            self.escaped.add(row.block.file_id)
        return _read(row, row.source)

    def _mention(self, block: Block, mentions: Iterable[reading.Mention]) -> None:
        self._mentions += [
            Mention(block=block, kind=kind, name=name[:NAME_LENGTH], how=how) for kind, name, how in mentions
        ]

    def _change_mentions(self) -> None:
        pks = sorted(self._again)
        for at in range(0, len(pks), BATCH):
            old: dict[int, dict[reading.Mention, int]] = {pk: {} for pk in pks[at : at + BATCH]}
            for row in Mention.objects.filter(block__in=list(old)):
                old[row.block_id][row.kind, row.name, row.how] = row.pk
            gone = [pk for block, known in old.items() for key, pk in known.items() if key not in self._again[block][1]]
            Mention.objects.filter(pk__in=gone).delete()
            for pk, known in old.items():
                block, mentions = self._again[pk]
                self._mention(block, (key for key in mentions if key not in known))

    def write(self) -> Followed:
        self._change_mentions()
        progress.begin(len(self._examples))
        for at in range(0, len(self._examples), BATCH):
            Example.objects.bulk_create(self._examples[at : at + BATCH])
            progress.step(BATCH)
        Mention.objects.bulk_create(self._mentions, batch_size=BATCH)
        for file_id in sorted(self.escaped):
            self._read_escapes(file_id)
        return Followed(self.added - self.gone, self._left(self.gone - self.added))

    def _read_escapes(self, file_id: int) -> None:
        texts_of_it = Block.objects.filter(file=file_id).values_list("text", flat=True)
        is_ascii, changed = all(text.isascii() for text in texts_of_it.iterator()), list[Example]()
        for row in Example.objects.filter(ESCAPED, block__file=file_id):
            text, digest = row.text, row.digest
            if _read(row, escapes.unescaped(row.source) if is_ascii else row.source).text != text:
                changed.append(row)
                self.gone.add(digest)
                self.added.add(row.digest)
        self._save(changed)

    def _left(self, digests: set[int]) -> set[int]:
        """Those of which no example is left."""
        there = set[int]()
        for some in _batches(sorted(digests)):
            there.update(Example.objects.filter(digest__in=some).values_list("digest", flat=True))
        return digests - there


def _read(row: Example, source: str) -> Example:
    row.text, row.entities = entities.read(source)
    row.digest = texts.digest(row.text)
    return row


def _batches(some: list[int]) -> Iterator[list[int]]:
    return (some[at : at + BATCH] for at in range(0, len(some), BATCH))


def _same(old: list[Line], new: list[Line]) -> tuple[int, int]:
    """How many are the same at the beginning, and of the rest at the end."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    rest = shorter - head
    return head, next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)


def _mentions(part: Part, said: list[Line]) -> Mentions:
    return reading.mentions(part) | reading.taught([source for _, source in said])


def _teaches(text: str, kind: str, name: str) -> bool:
    """Whether an example in it is left that does: most often the first line that has the name."""
    at = text.find(name)
    while at >= 0:
        line = text[text.rfind("\n", 0, at) + 1 : max(text.find("\n", at), 0) or len(text)]
        if (kind, name, TAUGHT) in reading.taught([line]):
            return True
        at = text.find(name, at + len(name))
    return False
