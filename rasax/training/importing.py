"""Files that come from outside: which are taken, and what they change."""

from __future__ import annotations

from collections.abc import Mapping

from rasax.training.drafts import Draft, difference
from rasax.training.edits import Fault, FileDiff
from rasax.training.files import TrainingFile
from rasax.training.formats import blocks, nodes
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_NUL, NOT_UTF8
from rasax.training.paths import checked
from rasax.training.sheets import Sheet


class Import:
    def __init__(self, files: Mapping[str, str | bytes], replace: bool) -> None:
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

    def _take(self, sheet: Sheet, content: str | bytes) -> None:
        try:
            text = decoded(content)
        except Refused as refused:
            sheet.fault = fault_of(refused)  # the database cannot hold it: what was there before stays
            return
        if sheet.file is not None and not sheet.fault and sheet.text == text and sheet.entries:
            return
        try:
            parts = blocks.split(sheet.path, text)
            blocks.of_rasa(parts)
        except Refused as refused:
            sheet.keep(text, fault_of(refused))
        else:
            sheet.match(parts)
            sheet.fault = None


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
