"""What can be asked of the training data's files, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rasax.training.files import Block
from rasax.training.formats.comparing import unified


@dataclass(frozen=True)
class Said:
    """What an edit does to a block's examples: by their rows' ids what they become (None: they go), and what is added
    at the end."""

    rows: Mapping[int, str | None] = field(default_factory=dict)
    added: Sequence[str] = ()


@dataclass(frozen=True)
class Put:
    """A block gets another text. `base` is the text that its editor saw, where that is not the block's own. Whoever
    wrote lines that can be nothing but examples says which (`said`), and the block is not read again."""

    block: Block
    text: str
    base: str | None = None
    said: Said | None = None


@dataclass(frozen=True)
class Add:
    """An item, after a block or at the end of its section; the file and the section are made where there are none."""

    path: str
    text: str
    section: str
    after: Block | None = None


@dataclass(frozen=True)
class Remove:
    block: Block


@dataclass(frozen=True)
class NewFile:
    """Also another text for one that is there."""

    path: str
    text: str


@dataclass(frozen=True)
class RemoveFile:
    path: str


Edit = Put | Add | Remove | NewFile | RemoveFile
Fault = dict[str, Any]  # message (a sentence to translate), words, line


@dataclass(frozen=True)
class FileDiff:
    """None stands for a file that is not there. `fault` says why a file is kept without being read, or not taken."""

    path: str
    before: str | None
    after: str | None
    fault: Fault | None = None

    @property
    def unified(self) -> str:
        names = [
            f"--- {'/dev/null' if self.before is None else f'a/{self.path}'}\n",
            f"+++ {'/dev/null' if self.after is None else f'b/{self.path}'}\n",
        ]
        hunks = list(unified(self.before or "", self.after or ""))
        lines = [*names, *hunks] if hunks else []
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True)
class Plan:
    """What an import would do. `token` stands for the data that it was made of: after a change it counts no more."""

    diffs: list[FileDiff]
    token: str
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Followed:
    """What TRAINING_FOLLOWERS are told: digests of examples that came, and of those of which none is left."""

    added: set[int]
    removed: set[int]
