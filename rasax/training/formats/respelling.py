"""An entry said anew: what it says as before stays as it is written, with its comments."""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rasax.training.formats import blocks, nodes, scalars
from rasax.training.formats.blocks import Part
from rasax.training.formats.comparing import runs
from rasax.training.formats.editing import Block
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_LIST
from rasax.training.formats.nodes import Node
from rasax.training.formats.places import Lines
from rasax.training.formats.scalars import Patch


class _Anew(Exception):
    """What is written in this way can only be replaced as a whole."""


def written(value: Any) -> str:
    """Raises Refused where YAML would not read the same again."""
    yaml, text = YAML(typ="safe", pure=True), io.StringIO()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    try:
        yaml.dump(value, text)
        if nodes.values(text.getvalue()) == value:
            return text.getvalue()
    except (YAMLError, ValueError) as error:
        raise Refused(NO_LIST) from error
    raise Refused(NO_LIST)


def with_value(path: str, part: Part, value: Any) -> str | None:
    """The text of an entry, as a response or a slot, that says this; None where it has to be written anew."""
    block = Block.of(part)
    _, _, node = part.nodes[0]
    try:
        text = block.patched(_Respelling(block).patches(node, value))
        said = blocks.one(path, part.section, part.kind, text).nodes[0][2].data()
    except (_Anew, Refused):
        return None
    return text if _same(said, value) else None


def _same(one: Any, other: Any) -> bool:
    return _spelled(one) == _spelled(other)


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


class _Respelling:
    def __init__(self, block: Block) -> None:
        self.text, self.line_break = block.text, block.line_break
        self.lines = Lines(block.text)

    def patches(self, node: Node, value: Any) -> list[Patch]:
        if node.alias or node.anchor or _same(node.data(), value):
            return self._unless(node)
        if node.items and isinstance(value, list) and value and not node.flow:
            return list(self._list(node, value))
        if node.pairs and isinstance(value, dict) and value and not node.flow:
            return list(self._mapping(node, value))
        if node.text is not None and isinstance(value, str) and isinstance(node.data(), str):
            return [scalars.spliced(self.text, node, [(0, len(node.text), value)])]
        raise _Anew

    def _unless(self, node: Node) -> list[Patch]:
        if node.alias or node.anchor:
            raise _Anew
        return []

    def _mapping(self, node: Node, value: dict[str, Any]) -> Iterator[Patch]:
        pairs = node.pairs or []
        column = self.lines.column(node.start)
        for number, (key, old) in enumerate(pairs):
            name = key.data()
            if name not in value:
                if not number:
                    raise _Anew
                yield self.lines.begins(key.start), self._end(old, key), ""
            else:
                yield from self._entry(key, old, name, value[name], column)
        new = {name: value[name] for name in value if name not in {key.data() for key, _ in pairs}}
        if new:
            end = self._end(pairs[-1][1], pairs[-1][0])
            yield end, end, self._gap(end) + self._indented(written(new), column)

    def _entry(self, key: Node, old: Node, name: str, value: Any, column: int) -> Iterator[Patch]:
        try:
            yield from self.patches(old, value)
        except _Anew:
            yield key.start, self._end(old, key), self._indented(written({name: value}), column)[column:]

    def _list(self, node: Node, values: list[Any]) -> Iterator[Patch]:
        items, spans, at, beside = node.items or [], self.lines.items(node), 0, 0
        old, new = [_spelled(item.data()) for item in items], [_spelled(value) for value in values]
        column = self.lines.column(node.start)
        for start, start_beside, number in [*runs(old, new), (len(items), len(values), 0)]:
            yield from self._items(items[at:start], spans[at:start], values[beside:start_beside], column)
            if start_beside - beside > start - at:
                place = spans[start - 1][1] if start else spans[0][0]
                more = values[beside + start - at : start_beside]
                yield place, place, self._gap(place) + self._indented(written(more), column)
            at, beside = start + number, start_beside + number

    def _items(
        self, items: list[Node], spans: list[tuple[int, int]], values: list[Any], column: int
    ) -> Iterator[Patch]:
        for item, (_, end), value in zip(items, spans, values, strict=False):
            try:
                yield from self.patches(item, value)
            except _Anew:
                yield self.lines.dash(item.start, column), end, self._indented(written([value]), column)[column:]
        yield from ((start, end, "") for start, end in spans[len(values) :])

    def _end(self, node: Node, key: Node) -> int:
        line = self.lines.after(max(node.end, key.end))
        return self.lines.starts[line] if line < len(self.lines.starts) else len(self.text)

    def _gap(self, at: int) -> str:
        return "" if self.text[at - 1 : at] == "\n" else self.line_break

    def _indented(self, text: str, column: int) -> str:
        return textwrap.indent(text, " " * column).replace("\n", self.line_break)
