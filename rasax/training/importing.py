"""Files that come from outside: which are taken, and what they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rasax.training.drafts import Draft, difference
from rasax.training.edits import Fault, FileDiff
from rasax.training.files import TrainingFile
from rasax.training.formats import blocks, nodes
from rasax.training.formats.blocks import Part
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_NUL, NOT_UTF8
from rasax.training.paths import checked
from rasax.training.sheets import Sheet


@dataclass(frozen=True)
class Read:
    """A file that was read before it is held against what is there: its blocks, or what is wrong with it."""

    text: str | None
    parts: list[Part] | None = None
    fault: Fault | None = None

    @classmethod
    def of(cls, path: str, content: str | bytes) -> Read:
        try:
            text = decoded(content)
        except Refused as refused:
            return cls(None, fault=fault_of(refused))
        try:
            parts = blocks.split(path, text)
            blocks.of_rasa(parts)
        except Refused as refused:
            return cls(text, fault=fault_of(refused))
        return cls(text, parts)


Content = Mapping[str, str | bytes | Read]


def read_ahead(files: Mapping[str, bytes], there: Mapping[str, str], step: Callable[[int], None]) -> Content:
    """Those that differ from what is there, read before others have to wait. `step` is told the bytes that are done."""
    result, done = dict[str, str | bytes | Read](files), 0
    for given, content in files.items():
        path = checked(given)
        if path is not None and there.get(path, "").encode() != content:
            result[given] = Read.of(path, content)
        done += len(content)
        step(done)
    return result


class Import:
    def __init__(self, files: Content, replace: bool) -> None:
        self.draft = Draft()
        self.left_out: list[str] = []
        taken = set[str]()
        for path in sorted(files):
            right = checked(path)
            if right is None:
                self.left_out.append(path)
                continue
            taken.add(right)
            self._take(self.draft.sheet(right), files[path])
        if replace:
            for path in TrainingFile.objects.exclude(path__in=taken).values_list("path", flat=True):
                self.draft.sheet(path).clear()

    def diffs(self) -> list[FileDiff]:
        return [diff for sheet in self.draft.sheets if (diff := difference(sheet))]

    def _take(self, sheet: Sheet, content: str | bytes | Read) -> None:
        if not isinstance(content, Read):
            if sheet.file is not None and not sheet.fault and sheet.entries and _is_same(sheet.text, content):
                return
            content = Read.of(sheet.path, content)
        if content.text is None:
            sheet.fault = content.fault  # the database cannot hold it: what was there before stays
        elif content.parts is None:
            sheet.keep(content.text, content.fault or {})
        else:
            sheet.match(content.parts)
            sheet.fault = None


def _is_same(text: str, content: str | bytes) -> bool:
    return text.encode() == content if isinstance(content, bytes) else text == content


def decoded(content: str | bytes) -> str:
    """Raises Refused for what cannot be kept as text."""
    try:
        text = content.decode() if isinstance(content, bytes) else content
        text.encode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refused(NOT_UTF8, f"0x{error.object[error.start]:02x}", line=line) from error
    except UnicodeEncodeError as error:
        raise Refused(NOT_UTF8, line=nodes.line_of(error.object, error.start)) from error
    if "\0" in text:
        raise Refused(NO_NUL, line=nodes.line_of(text, text.index("\0")))
    return text


def fault_of(refused: Refused) -> Fault:
    return {"message": refused.message, "words": refused.words, "line": refused.line}
