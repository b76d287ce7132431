"""The examples of an intent as the lines of one literal text, found and changed without reading all of them: there may
be many thousands. A line that is written here can be nothing but an example, so the block needs no reading again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasax.training.formats.blocks import Part


@dataclass(frozen=True)
class Body:
    """A block's text, and where in it the lines are."""

    text: str
    start: int
    end: int
    indent: int

    @classmethod
    def of(cls, part: Part) -> Body | None:
        """None where the examples are few, or written otherwise."""
        found = part.nodes[0][2].get("examples") if part.kind == "intent" and len(part.nodes) == 1 else None
        literal = found.literal if found is not None else None
        if literal is None:
            return None
        return cls(part.text, literal.start - part.start, literal.end - part.start, literal.indent)

    @property
    def _break(self) -> str:
        return "\r\n" if self.text[self.start - 2] == "\r" else "\n"

    def _line(self, source: str) -> str:
        return f"{' ' * self.indent}- {source}{self._break}"

    def place(self, source: str) -> tuple[int, int] | None:
        """Of its line; None where it stands in several, or is not written as one writes them."""
        line = "\n" + self._line(source)
        at = self.text.find(line, self.start - 1, self.end)
        if at < 0 or self.text.find(line, at + 1, self.end) >= 0:
            return None
        return at + 1, at + len(line)

    def changed(self, old: str, new: str) -> str | None:
        place = self.place(old)
        return place and self.text[: place[0]] + self._line(new) + self.text[place[1] :]

    def without(self, sources: Sequence[str]) -> str | None:
        places = [place for source in sources if (place := self.place(source))]
        if len(places) != len(sources):
            return None
        parts, at = list[str](), 0
        for start, end in sorted(places):
            parts.append(self.text[at:start])
            at = end
        return "".join([*parts, self.text[at:]])

    def with_more(self, sources: Sequence[str]) -> str | None:
        last = self.start + len(self.text[self.start : self.end].rstrip())
        at = self.text.find("\n", last) + 1
        if not at:
            return None
        return self.text[:at] + "".join(self._line(source) for source in sources) + self.text[at:]
