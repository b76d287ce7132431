"""A file while it is changed: its blocks with their new texts, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rasax.training.edits import Fault, Said
from rasax.training.files import Block, TrainingFile
from rasax.training.formats import blocks
from rasax.training.formats.blocks import ITEM_KINDS, Part
from rasax.training.formats.comparing import opcodes
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import GONE

LINKED = re.compile(r"[&*]\w")


@dataclass(eq=False)
class Entry:
    """A block and its new text. Without a block it is new; `pk` is the id that it had before it was removed."""

    block: Block | None
    text: str
    kind: str
    section: str
    name: str
    part: Part | None = None
    pk: int | None = None
    position: int = 0  # before it was removed
    said: Said | None = None

    @classmethod
    def of(cls, block: Block) -> Entry:
        return cls(block, block.text, block.kind, block.section, block.name, pk=block.pk)

    @classmethod
    def new(cls, part: Part, pk: int | None = None, position: int = 0) -> Entry:
        return cls(None, part.text, part.kind, part.section, part.name, part, pk, position)

    def take(self, part: Part) -> None:
        self.text, self.kind, self.section, self.name, self.part = part.text, part.kind, part.section, part.name, part
        self.said = None

    @property
    def is_changed(self) -> bool:
        old = self.block
        if old is None:
            return True
        return (self.text, self.kind, self.section, self.name) != (old.text, old.kind, old.section, old.name)


class Sheet:
    """Blocks are loaded when they are needed: one edit of one block asks for no other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = TrainingFile.objects.filter(path=path).first()
        self.fault: Fault | None = self.file.fault if self.file else None
        self.removed: list[Entry] = []
        self.is_recut = False  # blocks came or went by an undoing
        self._touched: dict[int, Entry] = {}
        self._all: list[Entry] | None = None

    @property
    def changed(self) -> list[Entry]:
        known = self._touched.values() if self._all is None else self._all
        return [entry for entry in known if entry.is_changed]

    @property
    def entries(self) -> list[Entry]:
        """All of the file, in order."""
        if self._all is None:
            rows = Block.objects.filter(file=self.file).order_by("position") if self.file else []
            self._all = [self._touched.get(row.pk) or Entry.of(row) for row in rows]
        return self._all

    @property
    def text(self) -> str:
        return "".join(entry.text for entry in self.entries)

    def entry(self, pk: int) -> Entry:
        """Of a block as it is now. Raises Refused where it is gone."""
        if self._all is not None:
            found = next((entry for entry in self._all if entry.pk == pk), None)
        else:
            found = self._touched.get(pk) or self._loaded(pk)
        if found is None:
            raise Refused(GONE, path=self.path)
        return found

    def know(self, block: Block) -> None:
        """The block as it is now, loaded with others."""
        if self._all is None:
            self._touched.setdefault(block.pk, Entry.of(block))

    def _loaded(self, pk: int) -> Entry | None:
        block = Block.objects.filter(pk=pk, file=self.file).first() if self.file else None
        if block is not None:
            self._touched[pk] = Entry.of(block)
        return self._touched.get(pk)

    def put(self, entry: Entry, text: str) -> None:
        """Raises Refused. What is no longer one item of its section makes the file be read anew."""
        part = self.one(entry, text)
        if part is not None:
            entry.take(part)
            return
        place = self.entries.index(entry)
        self.replace(
            "".join([*(e.text for e in self.entries[:place]), text, *(e.text for e in self.entries[place + 1 :])])
        )

    def one(self, entry: Entry, text: str) -> Part | None:
        """The text read without the rest of the file; None where that is not enough."""
        if self.fault or entry.kind not in {*ITEM_KINDS, blocks.DECLARED} or LINKED.search(entry.text):
            return None
        if not text.endswith("\n") and entry is not self._last(entry):
            return None
        try:
            part = blocks.one(self.path, entry.section, entry.kind, text)
        except Refused:
            return None  # the whole file says better what is wrong, and where
        same = part.name == entry.name or entry.section not in blocks.MAPPINGS
        return part if same and not part.linked and column(text) == column(entry.text) else None

    def _last(self, entry: Entry) -> Entry:
        return self.entries[-1] if entry in self.entries else entry

    def remove(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self.removed.append(entry)

    def insert(self, before: Entry, text: str) -> None:
        """An item of the section in which `before` is, after it."""
        place = self.entries.index(before) + 1
        kind = before.kind if before.kind in ITEM_KINDS else blocks.LISTS.get(before.section, ("",))[0]
        part = self._alone(before, kind, text) if self._is_closed(before) else None
        if part is None:
            before_text = before.text if self._is_closed(before) else before.text + _break_of(before.text)
            texts = [entry.text for entry in self.entries]
            self.replace("".join([*texts[: place - 1], before_text, text, *texts[place:]]))
        else:
            self.entries.insert(place, Entry.new(part))

    def _is_closed(self, entry: Entry) -> bool:
        return entry.text.endswith("\n") and entry.kind in ITEM_KINDS

    def _alone(self, before: Entry, kind: str, text: str) -> Part | None:
        if self.fault or before.section in blocks.MAPPINGS:
            return None  # the name might be there already: the whole file tells
        try:
            part = blocks.one(self.path, before.section, kind, text)
        except Refused:
            return None
        return part if not part.linked and column(text) == column(before.text) else None

    def replace(self, text: str) -> None:
        """The whole file. Raises Refused, with the line."""
        self.match(blocks.split(self.path, text))
        self.fault = None

    def keep(self, text: str, fault: Fault) -> None:
        """A text that cannot be read, as it is."""
        self.match([Part(0, blocks.TEXT, text=text)])
        self.fault = fault

    def clear(self) -> None:
        for entry in list(self.entries):
            self.remove(entry)
        self.fault = None

    def match(self, parts: list[Part]) -> None:
        """Blocks stay those that they are where their text stays, or else their name."""
        old, result = self.entries, list[Entry]()
        for before, after in _pairs(old, parts):
            if before is not None and after is not None:
                before.take(after)
                result.append(before)
            elif after is not None:
                result.append(Entry.new(after))
            elif before is not None:
                self.removed.append(before)
        self._all = result


def _break_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def column(text: str) -> int:
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return len(first) - len(first.lstrip(" "))


Pairs = Iterator[tuple[Entry | None, Part | None]]


def _pairs(old: list[Entry], new: list[Part]) -> Pairs:
    """In the order of the new."""
    head = 0
    while head < min(len(old), len(new)) and old[head].text == new[head].text:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail].text == new[-1 - tail].text:
        tail += 1
    yield from zip(old[:head], new[:head], strict=True)
    yield from _compared(old[head : len(old) - tail], new[head : len(new) - tail])
    yield from zip(old[len(old) - tail :], new[len(new) - tail :], strict=True)


def _compared(old: list[Entry], new: list[Part]) -> Pairs:
    found = opcodes([entry.text for entry in old], [part.text for part in new])
    for tag, old_start, old_end, new_start, new_end in found:
        if tag == "equal":
            yield from zip(old[old_start:old_end], new[new_start:new_end], strict=True)
        else:
            yield from _by_name(old[old_start:old_end], new[new_start:new_end])


def _by_name(old: list[Entry], new: list[Part]) -> Pairs:
    """Those of one name belong together if they stand in the same order; so does one of each kind that is left over."""
    keys = [(entry.kind, entry.section, entry.name) for entry in old]
    wanted = [(part.kind, part.section, part.name) for part in new]
    for tag, old_start, old_end, new_start, new_end in opcodes(keys, wanted):
        some, others = old[old_start:old_end], new[new_start:new_end]
        if tag == "equal" or (len(some) == len(others) == 1 and _alike(some[0], others[0])):
            yield from zip(some, others, strict=True)
        else:
            yield from ((entry, None) for entry in some)
            yield from ((None, part) for part in others)


def _alike(entry: Entry, part: Part) -> bool:
    return (entry.kind, entry.section) == (part.kind, part.section)
