"""Sheets become rows, and the history learns what changed: the lines that differ, and no others."""

from __future__ import annotations

from typing import Any

from rasax.training import progress
from rasax.training.edits import Followed
from rasax.training.files import GAP, NAME_LENGTH, Block, TrainingFile
from rasax.training.formats import blocks
from rasax.training.formats.blocks import Part
from rasax.training.indexing import BATCH, Index
from rasax.training.sheets import Entry, Sheet

AT_ONCE = 100  # blocks: their texts may be long
Record = dict[str, Any]  # one of Change.edits


def store(sheets: list[Sheet]) -> tuple[list[Record], Followed]:
    """Inside the transaction that holds the project's lock."""
    index, records = Index(), list[Record]()
    progress.begin(sum(len(sheet.changed) for sheet in sheets))
    for sheet in sheets:
        records += _Storing(sheet, index).records()
    return records, index.write()


class _Storing:
    def __init__(self, sheet: Sheet, index: Index) -> None:
        self.sheet, self.index = sheet, index

    def records(self) -> list[Record]:
        changed = self.sheet.changed
        turns = self._turns(changed)
        new = [entry for entry in changed if entry.block is None]
        kept = [entry for entry in changed if entry.block is not None]
        records = self._remove() + [self._change(entry) for entry in kept]
        blocks_kept = [entry.block for entry in kept if entry.block is not None]
        Block.objects.bulk_update(blocks_kept, ["text", "kind", "section", "name"], batch_size=AT_ONCE)
        if new:
            self._file()
            records += self._create(new)
        if turns and self.sheet.file is not None:
            self.index.escaped.add(self.sheet.file.pk)
        self._settle()
        return records

    def _turns(self, changed: list[Entry]) -> bool:
        """Whether the file may now be of ASCII alone, or no longer."""
        before = all(entry.block.text.isascii() for entry in [*changed, *self.sheet.removed] if entry.block)
        return before != all(entry.text.isascii() for entry in changed)

    def _file(self) -> TrainingFile:
        if self.sheet.file is None:
            self.sheet.file = TrainingFile.objects.create(path=self.sheet.path, fault=self.sheet.fault)
        return self.sheet.file

    def _remove(self) -> list[Record]:
        removed = [entry for entry in self.sheet.removed if entry.block is not None]
        pks = [entry.pk for entry in removed if entry.pk is not None]
        records = [self._record(entry, entry.block, None) for entry in removed]
        for at in range(0, len(pks), BATCH):
            self.index.forget(pks[at : at + BATCH])
            Block.objects.filter(pk__in=pks[at : at + BATCH]).delete()
        return records

    def _change(self, entry: Entry) -> Record:
        block = entry.block
        assert block is not None  # noqa: S101 - of a kept entry
        record = self._record(entry, block, entry.text)
        was = block.kind
        block.text, block.kind, block.section, block.name = entry.text, entry.kind, entry.section, _short(entry.name)
        if entry.said:
            self.index.say(block, entry.said)
        else:
            self.index.change(block, entry.part or Part(0, blocks.TEXT), was)
        progress.step()
        return record

    def _create(self, new: list[Entry]) -> list[Record]:
        places = self._places(new)
        rows = [
            Block(
                pk=entry.pk,
                file=self.sheet.file,
                position=places[id(entry)],
                kind=entry.kind,
                section=entry.section,
                name=_short(entry.name),
                text=entry.text,
            )
            for entry in new
        ]
        Block.objects.bulk_create(rows, batch_size=BATCH)
        for entry, row in zip(new, rows, strict=True):
            entry.block, entry.pk = row, row.pk
            self.index.add(row, entry.part or Part(0, blocks.TEXT))
            progress.step()
        return [self._record(entry, None, entry.text) for entry in new]

    def _places(self, new: list[Entry]) -> dict[int, int]:
        """Positions between those of the neighbours; where there is no room, all of the file move."""
        places = _between(self.sheet.entries)
        if places is None:
            moving = [entry.block for entry in self.sheet.entries if entry.block is not None]
            for sign in (-1, 1):  # no two may be in one place, not even in passing
                for number, entry in enumerate(self.sheet.entries, 1):
                    if entry.block is not None:
                        entry.block.position = sign * number * GAP
                Block.objects.bulk_update(moving, ["position"], batch_size=BATCH)
            places = {id(entry): number * GAP for number, entry in enumerate(self.sheet.entries, 1)}
        return places

    def _record(self, entry: Entry, before: Block | None, after: str | None) -> Record:
        at, old, new = differing(before.text if before else "", after or "")
        place = self.sheet.entries.index(entry) if before is None else 0
        return {
            "path": self.sheet.path,
            "block": entry.pk,
            "kind": entry.kind,
            "section": entry.section,
            "name": entry.name,
            "position": entry.block.position if entry.block else 0,
            "previous": self.sheet.entries[place - 1].pk if place else None,
            "at": at,
            "before": None if before is None else old,
            "after": None if after is None else new,
        }

    def _settle(self) -> None:
        """A file is there as long as it has blocks; one that could not even be kept has none, and says why."""
        sheet = self.sheet
        if sheet.file is not None and not sheet.fault and not sheet.file.blocks.exists():
            sheet.file.delete()
        elif sheet.file is not None and sheet.file.fault != sheet.fault:
            sheet.file.fault = sheet.fault
            sheet.file.save(update_fields=["fault"])
        elif sheet.file is None and sheet.fault:
            self._file()


def _short(name: str) -> str:
    return name[:NAME_LENGTH]


def _between(entries: list[Entry]) -> dict[int, int] | None:
    """A position for each entry that is new; None where there is no room."""
    result, waiting, low = dict[int, int](), list[Entry](), 0
    for entry in entries:
        if entry.block is None:
            waiting.append(entry)
            continue
        if entry.block.position <= low:
            return None
        step = (entry.block.position - low) // (len(waiting) + 1)
        if waiting and not step:
            return None
        result |= {id(each): low + number * step for number, each in enumerate(waiting, 1)}
        waiting, low = [], entry.block.position
    return result | {id(each): low + number * GAP for number, each in enumerate(waiting, 1)}


def differing(old: str, new: str) -> tuple[int, str, str]:
    """How many lines stay before those that differ, and these lines."""
    head = old.rfind("\n", 0, _common(old, new)) + 1
    rest = min(len(old), len(new)) - head
    tail = min(_common(old[::-1], new[::-1]), rest) if old != new else rest
    if tail < rest or head:
        tail = _whole_lines(old, len(old) - tail, head)
    return old.count("\n", 0, head), old[head : len(old) - tail], new[head : len(new) - tail]


def _whole_lines(text: str, start: int, least: int) -> int:
    """How much is at the end, from the first line that begins at `start` or after."""
    if start <= least or text[start - 1 : start] == "\n":
        return len(text) - max(start, least)
    at = text.find("\n", start)
    return len(text) - at - 1 if at >= 0 else 0


def _common(one: str, other: str) -> int:
    """How many characters at the beginning are the same: by halves, for texts may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
