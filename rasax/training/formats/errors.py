"""Why a text is not taken, in a sentence for people."""

from __future__ import annotations


class Refused(ValueError):
    """`message` is a sentence to translate: what is wrong, and what to do. `words` are what it is about, or the YAML
    reader's own; `line` counts from 1, and 0 stands for unknown."""

    def __init__(self, message: str, words: str = "", path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message, self.words, self.path, self.line = message, words[:500], path, line

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return " ".join(part for part in (f"{where}:" if where else "", self.message, self.words) if part)
