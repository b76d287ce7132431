"""What an editor of YAML shows beside its text: words of its own, what is wrong by line, who changed it last."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rasax.training.changes import Change
from rasax.training.edits import Fault
from rasax.training.files import Block
from rasax.training.formats.errors import Refused
from rasax.training.wording import CALLED

LARGEST = 2**22  # characters of what is edited as one text
# CodeMirror's own words.
WORDS = {
    "Find": gettext_lazy("Find"),
    "Replace": gettext_lazy("Replace"),
    "next": gettext_lazy("next"),
    "previous": gettext_lazy("previous"),
    "all": gettext_lazy("all"),
    "match case": gettext_lazy("match case"),
    "regexp": gettext_lazy("regular expression"),
    "by word": gettext_lazy("whole words"),
    "replace": gettext_lazy("replace"),
    "replace all": gettext_lazy("replace all"),
    "close": gettext_lazy("close"),
    "current match": gettext_lazy("current match"),
    "on line": gettext_lazy("on line"),
    "Completions": gettext_lazy("Completions"),
    "Control character": gettext_lazy("Control character"),
    "Go to line": gettext_lazy("Go to line"),
    "go": gettext_lazy("go"),
}


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1 in the text of the editor; 0 where it is not known."""

    line: int
    text: str


def words() -> dict[str, str]:
    return {word: str(ours) for word, ours in WORDS.items()}


def problem(error: Refused, text: str, first: int = 1) -> Problem:
    """`first` is the line of the file in which the editor's text begins."""
    line = min(error.line - first + 1, text.count("\n") + 1) if error.line >= first else 0
    return Problem(line, " ".join(part for part in (_(error.message), error.words) if part))


def problem_of(fault: Fault, text: str) -> Problem:
    return problem(Refused(fault["message"], fault.get("words", ""), line=fault.get("line", 0)), text)


def sent(text: str, like: str) -> str:
    """What a form sent, with the line breaks that the file has."""
    text = text.replace("\r\n", "\n")[:LARGEST]
    return text.replace("\n", "\r\n") if "\r\n" in like else text


def last_change(block: Block) -> Change | None:
    """As far as its name tells."""
    verbs = [f"{verb} {CALLED[block.kind]}" for verb in ("changed", "added")]
    return Change.objects.filter(subject=block.name, verb__in=verbs).select_related("by").defer("edits").first()
