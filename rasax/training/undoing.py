"""A change taken back: each of its lines as it was, wherever later changes moved it to."""

from __future__ import annotations

from collections import defaultdict

from rasax.training import progress
from rasax.training.changes import Change
from rasax.training.drafts import Draft
from rasax.training.formats import blocks
from rasax.training.formats.blocks import Part
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import CHANGED_MEANWHILE, NOT_READABLE_SO, UNDONE
from rasax.training.importing import fault_of
from rasax.training.sheets import Entry, Sheet
from rasax.training.storing import Record


def taken_back(change: Change) -> Draft:
    """Raises Refused."""
    if Change.objects.filter(pk=change.pk).exclude(undone_by=None).exists():
        raise Refused(UNDONE)
    draft, later = Draft(), _later(change)
    progress.begin(len(change.records))
    for record in reversed(change.records):
        progress.step()
        _take_back(draft.sheet(record["path"]), record, later[record["block"]])
    for sheet in draft.sheets:
        _settle(sheet)
    return draft


def _later(change: Change) -> dict[int, list[Record]]:
    """What changed since, by block."""
    blocks_of_it = {record["block"] for record in change.records}
    result: dict[int, list[Record]] = defaultdict(list)
    for edits in Change.objects.filter(pk__gt=change.pk).order_by("pk").values_list("edits", flat=True).iterator():
        for record in edits:
            if record["block"] in blocks_of_it:
                result[record["block"]].append(record)
    return result


def _take_back(sheet: Sheet, record: Record, later: list[Record]) -> None:
    if record["before"] is None:
        entry = sheet.entry(record["block"])
        if entry.text != record["after"]:
            raise Refused(CHANGED_MEANWHILE, entry.name, sheet.path)
        sheet.remove(entry)
        sheet.is_recut = True
    elif record["after"] is None:
        _bring_back(sheet, record)
    else:
        _rewrite(sheet, sheet.entry(record["block"]), record, later)


def _bring_back(sheet: Sheet, record: Record) -> None:
    """Where it was: after the last block that stands before its old position."""
    entry = Entry.new(
        Part(0, record["kind"], record["section"], text=record["before"]), record["block"], record["position"]
    )
    places = [number for number, each in enumerate(sheet.entries, 1) if _position(each) < record["position"]]
    sheet.entries.insert(max(places, default=0), entry)
    sheet.is_recut = True


def _position(entry: Entry) -> int:
    return entry.block.position if entry.block else entry.position


def _rewrite(sheet: Sheet, entry: Entry, record: Record, later: list[Record]) -> None:
    at = _moved(record, later, sheet.path)
    start = _place(entry.text, at)
    if start < 0 or not entry.text.startswith(record["after"], start):
        raise Refused(CHANGED_MEANWHILE, entry.name, sheet.path)
    entry.text = entry.text[:start] + record["before"] + entry.text[start + len(record["after"]) :]
    entry.part = None


def _moved(record: Record, later: list[Record], path: str) -> int:
    """The line in which its lines begin now."""
    at, length = record["at"], record["after"].count("\n")
    for other in later:
        if other["before"] is None or other["after"] is None:
            continue
        old, new = other["before"].count("\n"), other["after"].count("\n")
        if other["at"] + old <= at:
            at += new - old
        elif other["at"] < at + length:
            raise Refused(CHANGED_MEANWHILE, path=path)
    return int(at)


def _place(text: str, line: int) -> int:
    """Where this line begins; less than 0 where there are not so many."""
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return -1
    return at


def _settle(sheet: Sheet) -> None:
    if sheet.fault or sheet.is_recut or not _each_alone(sheet):
        _read_anew(sheet)


def _each_alone(sheet: Sheet) -> bool:
    for entry in sheet.changed:
        part = sheet.one(entry, entry.text)
        if part is None:
            return False
        entry.take(part)
    return True


def _read_anew(sheet: Sheet) -> None:
    """The blocks must be those into which the file falls; a file that could not be read before may be so again."""
    entries = sheet.entries
    if not entries:
        sheet.fault = None
        return
    try:
        parts = blocks.split(sheet.path, sheet.text)
        blocks.of_rasa(parts)
    except Refused as refused:
        if len(entries) > 1:
            raise Refused(NOT_READABLE_SO, refused.words, sheet.path, refused.line) from refused
        sheet.fault = fault_of(refused)
        return
    if [part.text for part in parts] != [entry.text for entry in entries]:
        raise Refused(NOT_READABLE_SO, path=sheet.path)
    sheet.fault = None
    for entry, part in zip(entries, parts, strict=True):
        entry.take(part)
