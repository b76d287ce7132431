"""Edits of a block that change only the lines that they must. Each gives the block's new text, or raises Refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rasax.training.formats import blocks, literals, reading, scalars
from rasax.training.formats.blocks import Part
from rasax.training.formats.errors import Refused
from rasax.training.formats.examples import Written
from rasax.training.formats.messages import GONE, NO_LIST
from rasax.training.formats.nodes import Node
from rasax.training.formats.places import Lines
from rasax.training.formats.scalars import Patch, Span
from rasax.training.formats.uses import Use


@dataclass(frozen=True)
class Block:
    """A part with the text in whose places its nodes are."""

    part: Part
    text: str

    @classmethod
    def of(cls, part: Part) -> Block:
        return cls(part, " " * part.start + part.text)

    @property
    def line_break(self) -> str:
        return "\r\n" if "\r\n" in self.part.text else "\n"

    def patched(self, patches: Iterable[Patch]) -> str:
        return scalars.replaced(self.text, list(patches))[self.part.start :]


NewName = Callable[[Use], str | None]


def renamed(part: Part, new_name: NewName) -> str:
    """Every name for which there is a new one, examples included."""
    return _renamed(Block.of(part), [part], new_name)


def renamed_file(path: str, text: str, new_name: NewName) -> str:
    """The same for a whole file, whose aliases may stand for names in other blocks. Raises Refused."""
    return _renamed(Block(Part(0, blocks.TEXT, text=text), text), blocks.split(path, text), new_name)


def _renamed(block: Block, parts: Sequence[Part], new_name: NewName) -> str:
    spans = dict[int, tuple[Node, set[Span]]]()
    for part in parts:
        for use in _all_uses(part):
            name = new_name(use)
            if name is not None:
                node = use.node.real
                spans.setdefault(id(node), (node, set()))[1].add((use.start, use.end, name))
    return block.patched(patch for node, some in spans.values() for patch in _patches(block, node, sorted(some)))


def _all_uses(part: Part) -> Iterator[Use]:
    yield from reading.used(part)
    for example in reading.written(part):
        yield from reading.used_in(example)


def _patches(block: Block, node: Node, spans: list[Span]) -> list[Patch]:
    if node.style != "|":
        return [scalars.spliced(block.text, node, spans)]
    raw = _Raw(block, node)
    return [(raw.place(start), raw.place(end), words) for start, end, words in spans]


class _Raw:
    """A literal text's lines where they stand in the block."""

    def __init__(self, block: Block, node: Node) -> None:
        self.block, self.node, self.lines = block, node, Lines(node.text or "")
        self.start = block.text.find("\n", node.start) + 1
        found = node.literal or literals.body(block.text, self.start, -1)
        indicated = block.text[node.start : self.start].strip("|+- \r\n")[:1]
        self.indent = found.indent if found else 0
        if indicated.isdigit() and found:
            self.indent = _indented(block.text, self.start, node)
        self.end = found.end if found else self.start
        self._places: list[int] = []

    @property
    def places(self) -> list[int]:
        """Where each of its lines begins in the block, the blanks before it included."""
        if not self._places:
            at = self.start
            while at and at < self.end:
                self._places.append(at)
                at = self.block.text.find("\n", at) + 1
        return self._places

    def place(self, at: int) -> int:
        line = self.lines.of(at)
        return self.places[line] + self.indent + self.lines.column(at)

    def line(self, number: int) -> tuple[int, int]:
        start = self.places[number]
        end = self.block.text.find("\n", start) + 1
        return start, end or len(self.block.text)


def _indented(text: str, start: int, node: Node) -> int:
    """Where the indentation is stated, the first line tells it by what it has more than its text."""
    line = text[start : text.find("\n", start)].rstrip("\r")
    first = (node.text or "").partition("\n")[0]
    return len(line) - len(first)


def with_examples(part: Part, sources: Sequence[str]) -> str:
    """An intent with more examples, after those that it has."""
    block, item = Block.of(part), _item(part)
    found = item.get("examples")
    if found is None or (found.real.items is None and not (found.string or "").strip()):
        return _with_first(block, item, found, sources)
    if found.sequence:
        return _with_listed(block, found.real, sources)
    if found.real.style != "|":
        lines = [(found.string or "").rstrip("\n"), *(f"- {source}" for source in sources)]
        return _rewritten(block, found.real, "\n".join(lines) + "\n")
    raw = _Raw(block, found.real)
    at = raw.line(len((found.string or "").rstrip().split("\n")) - 1)[1]
    gap = "" if block.text[at - 1 : at] == "\n" else block.line_break
    new = "".join(f"{' ' * raw.indent}- {source}{block.line_break}" for source in sources)
    return block.patched([(at, at, gap + (new.rstrip("\r\n") if gap else new))])


def _item(part: Part) -> Node:
    if len(part.nodes) != 1:
        raise Refused(NO_LIST, part.name)
    return part.nodes[0][2]


def _with_first(block: Block, item: Node, found: Node | None, sources: Sequence[str]) -> str:
    key = next((key for key, _ in item.real.pairs or [] if key.string == "intent"), None)
    if item.real.flow or key is None:
        raise Refused(NO_LIST, block.part.name)
    lines = Lines(block.text)
    column = lines.column(key.start)
    text = [f"{' ' * column}examples: |", *(f"{' ' * (column + 2)}- {source}" for source in sources), ""]
    old = next((key for key, _ in item.real.pairs or [] if key.string == "examples"), None)
    if old is not None and found is not None:
        start, end = lines.start(old.start), lines.after(found.end)
        at = lines.column(old.start)
        text[0] = block.text[start : start + at] + "examples: |"
    else:
        start, end = len(block.text.rstrip()), 0
        text.insert(0, "")
    stop = (
        (lines.starts[end] if end < len(lines.starts) else len(block.text)) if end else _end_of_line(block.text, start)
    )
    return block.patched([(start, stop, block.line_break.join(text))])


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at) + 1
    return end or len(text)


def _with_listed(block: Block, listed: Node, sources: Sequence[str]) -> str:
    if listed.flow:
        more = "".join(f", {{text: {scalars.written(source, chr(34))}}}" for source in sources)
        return block.patched([(listed.end - 1, listed.end - 1, more)])
    lines = Lines(block.text)
    last = (listed.items or [])[-1]
    column, end = lines.column(listed.start), lines.after(last.end)
    at = lines.starts[end] if end < len(lines.starts) else len(block.text)
    body = block.text[:at].rstrip(" \r\n")
    at = _end_of_line(block.text, len(body))
    model = last.get("text")
    new = "".join(_listed(source, column, model, block.line_break) for source in sources)
    return block.patched([(at, at, new if block.text[at - 1] == "\n" else block.line_break + new)])


def _listed(source: str, column: int, model: Node | None, line_break: str) -> str:
    blanks, style = " " * column, model.real.style if model is not None else "|"
    if style == "|":
        return f"{blanks}- text: |{line_break}{blanks}    {source}{line_break}"
    return f"{blanks}- text: {scalars.written(source, style)}{line_break}"


def _rewritten(block: Block, node: Node, text: str) -> str:
    """A text of several lines that is none of the literal ones: in double quotes, in one line."""
    end = len(block.text[: node.end].rstrip())
    return block.patched([(node.start, end, scalars.written(text, chr(34)))])


def with_source(part: Part, number: int, source: str) -> str:
    """Its example of this number, from 0, written otherwise."""
    block, example = Block.of(part), _example(part, number)
    node = example.node.real
    if node.style == "|":
        start = _Raw(block, node).place(example.at)
        return block.patched([(start, start + len(example.source), source)])
    span = (example.at, example.at + len(example.source), source)
    return block.patched([scalars.spliced(block.text, node, [span])])


def without_examples(part: Part, numbers: Iterable[int]) -> str:
    block, patches = Block.of(part), list[Patch]()
    every, wanted = reading.written(part), sorted(set(numbers))
    if not wanted or wanted[-1] >= len(every):
        raise Refused(GONE)
    raw: dict[int, _Raw] = {}
    for number in wanted:
        node = every[number].node.real
        if every[number].number < 0 or node.style != "|":
            return _one_by_one(part, wanted)
        known = raw.setdefault(id(node), _Raw(block, node))
        patches.append((*known.line(every[number].number), ""))
    return block.patched(patches)


def _one_by_one(part: Part, numbers: Sequence[int]) -> str:
    """From the last, each in the text that is left by then."""
    for number in reversed(numbers):
        example = _example(part, number)
        text = Block.of(part).patched([_without(Block.of(part), example)])
        part = blocks.one("", part.section, part.kind, text)
    return part.text


def _without(block: Block, example: Written) -> Patch:
    node = example.node.real
    if example.number >= 0:
        text = node.text or ""
        lines = text.splitlines(keepends=True)
        start = sum(len(line) for line in lines[: example.number])
        return scalars.spliced(block.text, node, [(start, start + len(lines[example.number]), "")])
    for _, _, item in block.part.nodes:
        listed = item.get("examples")
        for place, each in enumerate(listed.sequence if listed else ()):
            if each.get("text") is example.node and listed is not None:
                return _without_item(block.text, listed.real, place)
    raise Refused(GONE)


def _without_item(text: str, listed: Node, number: int) -> Patch:
    items = listed.items or []
    if not listed.flow:
        return (*Lines(text).items(listed)[number], "")
    if number + 1 < len(items):
        return items[number].start, items[number + 1].start, ""
    return (items[number - 1].end if number else items[number].start), items[number].end, ""


def _example(part: Part, number: int) -> Written:
    every = reading.written(part)
    if number >= len(every):
        raise Refused(GONE)
    return every[number]


def with_item_name(part: Part, name: str) -> str:
    """An item under another name."""
    block = Block.of(part)
    _, key, item = part.nodes[0]
    node = key or item.get("story" if part.kind == "test" else part.kind)
    if node is None:
        raise Refused(NO_LIST, part.name)
    node = node.real
    return block.patched([scalars.spliced(block.text, node, [(0, len(node.text or ""), name)])])


def with_name(part: Part, name: str) -> str:
    """A whole section (intents, entities, actions) that declares one name more, at its end."""
    block = Block.of(part)
    _, key, node = part.nodes[0]
    if node.alias or key is None:
        raise Refused(NO_LIST, part.section)
    if not node.items:
        return _with_first_name(block, key, node, name)
    if node.flow:
        end = node.items[-1].end
        return block.patched([(end, end, f", {scalars.written(name, flow=True)}")])
    lines = Lines(block.text)
    column, end = lines.column(node.start), _end_of_line(block.text, len(block.text[: node.items[-1].end].rstrip()))
    style = node.items[-1].style
    gap = "" if block.text[end - 1] == "\n" else block.line_break
    new = f"{gap}{' ' * column}- {scalars.written(name, style)}{'' if gap else block.line_break}"
    return block.patched([(end, end, new)])


def _with_first_name(block: Block, key: Node, node: Node, name: str) -> str:
    """Below the key, whose comment stays beside it."""
    after = _after_key(block, key)
    end = _end_of_line(block.text, max(after, node.end))
    gap = "" if block.text[end - 1 : end] == "\n" else block.line_break
    new = f"{gap}  - {scalars.written(name)}{'' if gap else block.line_break}"
    return block.patched([(after, max(after, node.end), ""), (end, end, new)])


def _after_key(block: Block, key: Node) -> int:
    return block.text.index(":", key.end) + 1


def without_name(part: Part, name: str) -> str:
    """The section without what it declares of this name; as it is where it declares no such."""
    block = Block.of(part)
    _, _, node = part.nodes[0]
    numbers = [number for number, item in enumerate(node.items or []) if _declares(item, name)][:1]
    patches = [_without_item(block.text, node, number) for number in numbers]
    if patches and len(numbers) == len(node.items or []) and not node.flow:
        lines = Lines(block.text)
        start = len(block.text[: node.start].rstrip())
        end = lines.items(node)[-1][1]
        return block.patched([(start, end, f" []{block.line_break}")])
    return block.patched(patches)


def _declares(item: Node, name: str) -> bool:
    pairs = item.real.pairs
    return item.string == name if pairs is None else bool(pairs) and pairs[0][0].string == name
