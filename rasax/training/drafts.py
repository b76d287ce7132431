"""Edits worked out, before anything is written: to be shown as differences, or stored."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rasax.training import progress
from rasax.training.edits import Add, Edit, FileDiff, NewFile, Put, Remove, RemoveFile
from rasax.training.files import Block, TrainingFile
from rasax.training.formats import blocks, in_line
from rasax.training.formats.blocks import ITEM_KINDS, LISTS, MAPPINGS
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import CHANGED_MEANWHILE, NO_PATH, NO_SUCH_FILE, SECTION_IN_LINE
from rasax.training.merging import merged
from rasax.training.paths import checked
from rasax.training.sheets import LINKED, Entry, Sheet, column

HEAD = re.compile(r"^(?P<key>[\w-]+:)(?:[ ]+(?:\[\s*\]|\{\s*\}|~|null))?(?=[ ]*(?:#|\r?\n|$))", re.MULTILINE)


AT_ONCE = 500  # fewer than a database lets a query have values


class Draft:
    def __init__(self) -> None:
        self._sheets: dict[str, Sheet] = {}

    @property
    def sheets(self) -> list[Sheet]:
        return list(self._sheets.values())

    def sheet(self, path: str) -> Sheet:
        if path not in self._sheets:
            self._sheets[path] = Sheet(path)
        return self._sheets[path]

    def apply(self, edits: Sequence[Edit]) -> None:
        """Raises Refused, with file and line."""
        self._load([edit.block for edit in edits if isinstance(edit, Put | Remove)])
        progress.begin(len(edits))
        for edit in edits:
            progress.step()
            match edit:
                case Put():
                    self._put(edit)
                case Add():
                    self._add(edit)
                case Remove():
                    self._remove(self._sheet_of(edit.block), edit.block)
                case NewFile():
                    self._sheet_at(edit.path).replace(edit.text)
                case RemoveFile():
                    self._remove_file(edit.path)

    def _load(self, blocks: Sequence[Block]) -> None:
        """As they are now, many at once."""
        pks = [block.pk for block in blocks]
        for at in range(0, len(pks), AT_ONCE):
            for block in Block.objects.filter(pk__in=pks[at : at + AT_ONCE]).select_related("file"):
                self.sheet(block.file.path).know(block)

    def diffs(self) -> list[FileDiff]:
        return [diff for sheet in self.sheets if (diff := difference(sheet))]

    def _sheet_of(self, block: Block) -> Sheet:
        return self.sheet(block.file.path)

    def _sheet_at(self, path: str) -> Sheet:
        right = checked(path)
        if right is None:
            raise Refused(NO_PATH, path)
        return self.sheet(right)

    def _remove(self, sheet: Sheet, block: Block) -> None:
        entry = sheet.entry(block.pk)
        sheet.remove(entry)
        if entry.section in MAPPINGS:
            self._close(sheet, entry.section)
        if LINKED.search(entry.text) or entry.kind not in ITEM_KINDS:
            sheet.replace(sheet.text)  # an alias may be left without its anchor, items without their section

    def _close(self, sheet: Sheet, section: str) -> None:
        """Rasa takes no slots, forms or responses that are nothing at all: an empty mapping is left."""
        left = [entry for entry in sheet.entries if entry.section == section]
        found = HEAD.search(left[0].text) if len(left) == 1 and left[0].kind not in ITEM_KINDS else None
        if found is not None and found.end() == found.end("key"):
            text = left[0].text
            left[0].text = f"{text[: found.end()]} {{}}{text[found.end() :]}"

    def _remove_file(self, path: str) -> None:
        sheet = self._sheet_at(path)
        if sheet.file is None and not sheet.entries:
            raise Refused(NO_SUCH_FILE, path)
        sheet.clear()

    def _put(self, edit: Put) -> None:
        sheet = self._sheet_of(edit.block)
        entry = sheet.entry(edit.block.pk)
        if edit.said and not entry.is_changed and entry.text == edit.block.text:
            entry.text, entry.said = edit.text, edit.said
            return
        base = edit.block.text if edit.base is None else edit.base
        text = merged(base, entry.text, as_breaks_of(entry.text, edit.text))
        if text is None:
            raise Refused(CHANGED_MEANWHILE, entry.name, sheet.path)
        sheet.put(entry, text if text.endswith("\n") or not text else _closed(text, entry, sheet))

    def _add(self, edit: Add) -> None:
        sheet = self._sheet_at(edit.path)
        after = sheet.entry(edit.after.pk) if edit.after else None
        siblings = [entry for entry in sheet.entries if entry.section == edit.section]
        if after is None and not siblings:
            self._begin(sheet, edit)
            return
        before = after or siblings[-1]
        if before.kind not in ITEM_KINDS and before is siblings[0] and len(siblings) == 1:
            self._open(sheet, before, edit)
            return
        model = next((entry for entry in siblings if entry.kind in ITEM_KINDS), None)
        text = _closed_text(as_breaks_of(sheet.text, shifted(edit.text, column(model.text) if model else 0)))
        sheet.insert(before, text)

    def _open(self, sheet: Sheet, head: Entry, edit: Add) -> None:
        """Below a key that has nothing below it yet, perhaps written as an empty list."""
        section = head.text
        found = HEAD.search(section)
        rest = section[found.end() :] if found else ""
        if found is None or any(line.strip() and not line.lstrip().startswith("#") for line in rest.splitlines()[1:]):
            opened = _closed_text(self._over_lines(sheet, head))
        else:
            opened = _closed_text(section[: found.end("key")] + rest)
        item = shifted(edit.text, 2 if edit.section in MAPPINGS else 0)
        place = sheet.entries.index(head)
        texts = [entry.text for entry in sheet.entries]
        added = as_breaks_of(sheet.text, opened + _closed_text(item))
        sheet.replace("".join([*texts[:place], added, *texts[place + 1 :]]))

    def _over_lines(self, sheet: Sheet, head: Entry) -> str:
        try:
            return in_line.opened(blocks.one(sheet.path, head.section, head.kind, head.text))
        except Refused as refused:
            raise Refused(SECTION_IN_LINE, head.section, sheet.path) from refused

    def _begin(self, sheet: Sheet, edit: Add) -> None:
        text = sheet.text or 'version: "3.1"\n'
        item = shifted(edit.text, 0 if edit.section in LISTS else 2)
        gap = "" if text.endswith("\n\n") else "\n"
        added = f"{gap}{edit.section}:\n{_closed_text(item)}"
        sheet.replace(as_breaks_of(text, _closed_text(text) + added))


def difference(sheet: Sheet) -> FileDiff | None:
    before = TrainingFile.objects.get(pk=sheet.file.pk).text if sheet.file else None
    after = sheet.text if sheet.entries else None
    fault = sheet.fault
    return FileDiff(sheet.path, before, after, fault) if before != after or fault else None


def as_breaks_of(model: str, text: str) -> str:
    """Lines end as they do where the text goes: browsers send CRLF always. Where they end in both ways, each stays."""
    n_windows = model.count("\r\n")
    if 0 < n_windows < model.count("\n"):
        return text
    plain = text.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if n_windows else plain


def shifted(text: str, wanted: int) -> str:
    """The item with its first line in this column."""
    by = wanted - column(text)
    lines = text.splitlines(keepends=True)
    if by >= 0:
        return "".join(" " * by + line if line.strip() else line for line in lines)
    return "".join(line[-by:] if not line[:-by].strip() else line.lstrip(" ") for line in lines)


def _closed_text(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _closed(text: str, entry: Entry, sheet: Sheet) -> str:
    """A block that others follow ends its line."""
    last = entry.text and not entry.text.endswith("\n")
    return text if last else as_breaks_of(entry.text, text + "\n")
