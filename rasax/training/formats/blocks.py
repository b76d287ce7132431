"""A file in blocks: what people edit as one, and what stands between. Joined they are the file, byte for byte.

What a file is, its keys say, as for Rasa; what a story is, also its path: in tests/ and in test_… they are tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

from rasax.training.formats import nodes
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_MAPPING, NOT_ONE, NOT_RASAS
from rasax.training.formats.nodes import Node, Tree
from rasax.training.formats.places import Lines

TEXT, DECLARED = "text", "declared"
LISTS = {
    "nlu": ("intent", "synonym", "regex", "lookup"),
    "stories": ("story",),
    "rules": ("rule",),
}
MAPPINGS = {"responses": "response", "slots": "slot", "forms": "form"}
DECLARATIONS = ("intents", "entities", "actions", "e2e_actions")
SETTINGS = ("version", "session_config", "config", "pipeline", "policies", "language", "recipe", "assistant_id")
KNOWN = {*LISTS, *MAPPINGS, *DECLARATIONS, *SETTINGS, "importers", "mode", "version", "tests"}
ITEM_KINDS = {kind for kinds in LISTS.values() for kind in kinds} | {*MAPPINGS.values(), "test"}


@dataclass(frozen=True)
class Part:
    """A block's place in its text. `nodes` are what it says: of each section, key where it has one, and itself."""

    start: int
    kind: str
    section: str = ""
    name: str = ""
    nodes: tuple[tuple[str, Node | None, Node], ...] = ()
    text: str = ""
    linked: bool = False  # its file, or of one() its text, has anchors or aliases


def is_test(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.name.startswith("test_") or "tests" in pure.parts[:-1]


def split(path: str, text: str) -> list[Part]:
    """Raises Refused, with the line."""
    try:
        tree = nodes.read(text)
        return _with_texts(tree, _Splitter(path, tree).parts())
    except Refused as refused:
        refused.path = path
        raise


def one(path: str, section: str, kind: str, text: str, known: bool = False) -> Part:
    """The one block that a text is, read without the rest of its file; it is known where it is one by now. Raises
    Refused."""
    head = f"{section}:\n" if kind in ITEM_KINDS else ""
    try:
        tree = nodes.read(head + text, part=True, known=known)
        parts = _Splitter(path, tree).parts()
    except Refused as refused:
        refused.path, refused.line = path, max(refused.line - bool(head), 0)
        raise
    cut = _with_texts(tree, parts)[bool(head) :]
    if len(cut) != 1 or cut[0].text != text or cut[0].section != section:
        raise Refused(NOT_ONE, path=path, line=1)
    return cut[0]


def of_rasa(parts: list[Part]) -> None:
    """Raises Refused where a file has keys, and none is Rasa's."""
    if not any(part.nodes for part in parts):
        return
    if not any(section in KNOWN for part in parts for section, _, _ in part.nodes):
        raise Refused(NOT_RASAS)


def _with_texts(tree: Tree, parts: list[Part]) -> list[Part]:
    places = [*(part.start for part in parts), len(tree.text)]
    return [
        replace(part, text=tree.text[start:end], linked=tree.linked)
        for part, (start, end) in zip(parts, pairwise(places), strict=True)
    ]


class _Splitter:
    def __init__(self, path: str, tree: Tree) -> None:
        self.path, self.tree = path, tree
        self.lines = Lines(tree.text)
        self._free = 0  # the first line that nothing read so far reaches into

    def parts(self) -> list[Part]:
        root = self.tree.root
        if root is None or (root.text == "" and not root.style):
            return [Part(0, TEXT)]
        if root.real.pairs is None:
            raise Refused(NO_MAPPING, line=self.tree.line(root.start))
        if root.flow or root.alias:
            return [Part(0, TEXT, nodes=_sections(root))]
        return self._joined([Part(0, TEXT), *self._cuts(root)], root)

    def _joined(self, parts: list[Part], root: Node) -> list[Part]:
        """Neighbours without a section are one; where two would begin in one line, all is one."""
        result = parts[:1]
        for part in parts[1:]:
            last = result[-1]
            if part.kind == last.kind == TEXT and not part.section and not last.section:
                result[-1] = Part(last.start, TEXT, nodes=last.nodes + part.nodes)
            elif part.start == last.start == 0 and not last.nodes:
                result[-1] = part
            elif part.start <= last.start:
                return [Part(0, TEXT, nodes=_sections(root))]
            else:
                result.append(part)
        return result

    def _cuts(self, root: Node) -> Iterator[Part]:
        for key, value in root.pairs or []:
            section = key.string or ""
            start = self._begins(key.start)
            self._reach(key.end)
            if section in LISTS and value.items and not value.flow:
                yield Part(start, TEXT, section)
                yield from self._items(section, value)
            elif section in MAPPINGS and value.pairs and not value.flow:
                yield Part(start, TEXT, section)
                yield from self._entries(section, value)
            else:
                yield self._whole(start, section, key, value)
            self._reach(value.end)
        if self.tree.ending is not None:
            yield Part(self.lines.start(self.tree.ending), TEXT)

    def _whole(self, start: int, section: str, key: Node, value: Node) -> Part:
        kind = DECLARED if section in DECLARATIONS else TEXT
        named = section if section in {*LISTS, *MAPPINGS, *DECLARATIONS} else ""
        return Part(start, kind, named, nodes=((section, key, value),))

    def _items(self, section: str, value: Node) -> Iterator[Part]:
        column = self.lines.column(value.start)
        for item in value.items or []:
            start = self._begins(self.lines.dash(item.start, column, self._free))
            self._reach(item.end)
            kind, name = self._told(section, item)
            yield Part(start, kind, section, name, ((section, None, item),))

    def _told(self, section: str, item: Node) -> tuple[str, str]:
        for kind in LISTS[section]:
            found = item.get(kind)
            if found is not None:
                return "test" if kind == "story" and is_test(self.path) else kind, found.string or ""
        return TEXT, ""

    def _entries(self, section: str, value: Node) -> Iterator[Part]:
        for key, entry in value.pairs or []:
            start = self._begins(key.start)
            self._reach(entry.end)
            named = key.string is not None and key.string != "<<"
            yield Part(start, MAPPINGS[section] if named else TEXT, section, key.string or "", ((section, key, entry),))

    def _begins(self, at: int) -> int:
        return self.lines.begins(at, self._free)

    def _reach(self, end: int) -> None:
        self._free = max(self._free, self.lines.after(end))


def _sections(root: Node) -> tuple[tuple[str, Node | None, Node], ...]:
    return tuple((key.string or "", key, value) for key, value in root.mapping)
