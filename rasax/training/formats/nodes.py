"""A YAML text as nodes that know where they stand: read within bounds, by the rules of YAML 1.2, no tag constructed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from rasax.training.formats import literals, usual
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import (
    ALIAS_OF_NOTHING,
    DUPLICATE_KEY,
    MORE_DOCUMENTS,
    NO_YAML,
    OWN_TAG,
    RECURSIVE,
    TAB,
    TOO_DEEP,
    TOO_LARGE,
    TOO_MANY_NODES,
    UNPRINTABLE,
)

LARGEST = 32 * 2**20  # characters of a file
DEEPEST = 100
MOST_NODES = 3_000_000  # some bytes of aliases stand for millions

HIDDEN = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KNOWN_TAGS = {"!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))}
OF_A_TAB = r"'\t'"  # in the words of the YAML reader
NULL = {"", "~", "null", "Null", "NULL"}
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INT = re.compile(r"[-+]?[0-9][0-9_]*|[-+]?0o[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?0b[01_]+")
FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(slots=True, eq=False)
class Node:
    """`start` and `end` are places in the text, with anchor, tag and quotes; `flow` says that it is written in brackets
    or stands in some. An alias has the node it stands for."""

    start: int
    end: int
    scalar: str | None = None
    items: list[Node] | None = None  # of a sequence
    pairs: list[tuple[Node, Node]] | None = None  # of a mapping
    style: str = ""
    flow: bool = False
    anchor: str = ""
    tag: str = ""
    alias: Node | None = None
    weight: int = field(default=1, repr=False)  # nodes in it, aliases expanded
    literal: literals.Literal | None = field(default=None, repr=False)
    whole: str = field(default="", repr=False)  # the text in which the literal one stands, until it is asked for

    @property
    def text(self) -> str | None:
        """Of a scalar; None of all else."""
        if self.whole and self.literal:
            text, self.whole = literals.value(self.whole, self.literal), ""
            self.scalar = text if self.scalar else text[:-1]
        return self.scalar

    @property
    def real(self) -> Node:
        return self.alias or self

    @property
    def string(self) -> str | None:
        """The text of a scalar that YAML reads as one, and of numbers, as Rasa takes names."""
        return self.real.text

    @property
    def sequence(self) -> list[Node]:
        return self.real.items or []

    @property
    def mapping(self) -> list[tuple[Node, Node]]:
        """Its own pairs, then what it merges (`<<`) that it has not itself."""
        pairs = self.real.pairs or []
        if not any(key.text == "<<" for key, _ in pairs):
            return pairs
        own = [pair for pair in pairs if pair[0].text != "<<"]
        known = {key.text for key, _ in own}
        for _, merged in (pair for pair in pairs if pair[0].text == "<<"):
            for each in merged.sequence or [merged]:
                more = [pair for pair in each.mapping if pair[0].string not in known]
                known.update(key.string for key, _ in more)
                own += more
        return own

    def get(self, name: str) -> Node | None:
        return next((value for key, value in self.mapping if key.string == name), None)

    def data(self) -> Any:
        """Plain Python. Its size is bounded where it was read."""
        node = self.real
        if node.items is not None:
            return [item.data() for item in node.items]
        if node.pairs is not None:
            return {_hashable(key.data()): value.data() for key, value in node.mapping}
        return resolved(node)


def _hashable(key: Any) -> Any:
    return key if isinstance(key, str | int | float | bool | None) else str(key)


def resolved(node: Node) -> Any:
    text = node.text or ""
    if node.style or (node.tag and not node.tag.endswith((":int", ":float", ":bool", ":null"))):
        return text
    return plain(text)


def plain(text: str) -> Any:
    """What a plain scalar is by YAML 1.2: `no` is a text, and so is a date."""
    if text in NULL:
        return None
    if text in BOOLS:
        return BOOLS[text]
    if INT.fullmatch(text):
        return _int(text.replace("_", ""))
    if FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return float(text.replace(".", "").lower()) if NOT_FINITE.fullmatch(text) else text


def _int(text: str) -> int | float:
    prefix = text.lstrip("+-")[:2]
    try:
        return int(text, {"0x": 16, "0o": 8, "0b": 2}.get(prefix, 10))
    except ValueError:  # Python refuses thousands of digits
        return float(text)


@dataclass(frozen=True)
class Tree:
    """A text that was read: its node (None where it holds nothing), and where its document ends with `...`."""

    text: str
    root: Node | None
    ending: int | None = None
    linked: bool = False  # it has anchors or aliases
    right: bool = True

    def __bool__(self) -> bool:
        return self.right

    def line(self, at: int) -> int:
        return line_of(self.text, at)


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def read(text: str, part: bool = False, known: bool = False) -> Tree:
    """Raises Refused, with the line. In a part of a file an alias may stand for what is elsewhere: an empty text.
    What is known was read before: its letters are not looked at one by one again."""
    if len(text) > LARGEST:
        raise Refused(TOO_LARGE, f"{len(text)}")
    if not known:
        _printable(text)
    tree = _tree(text, literals.shortened(text), part)
    return tree or _tree(text, literals.Shortened(text, [], [], []), part)


def _printable(text: str) -> None:
    hidden = HIDDEN.search(text, 1 if text[:1] == "\ufeff" else 0)
    if hidden:
        raise Refused(UNPRINTABLE, f"U+{ord(hidden[0]):04X}", line=line_of(text, hidden.start()))


def values(text: str, part: bool = False) -> Any:
    """The text as plain Python; None where it holds nothing. Raises Refused."""
    root = read(text, part).root
    return root.data() if root else None


def _tree(text: str, short: literals.Shortened, part: bool) -> Tree:
    """Says of itself that it is false where a literal text was taken for one that is none."""
    try:
        builder = _Builder(text, short, part)
        usual.read(short.text, builder)
        return builder.tree()
    except (usual.Unusual, Refused):
        return _general_tree(text, short, part)


def _general_tree(text: str, short: literals.Shortened, part: bool) -> Tree:
    try:
        builder = _Builder(text, short, part)
        for event in YAML(typ="safe", pure=True).parse(short.text):
            builder.take(event)
        return builder.tree()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = line_of(text, short.place(mark.index)) if mark else 0
        words = str(error.problem or error.context or "")
        raise Refused(TAB if OF_A_TAB in words else NO_YAML, "" if OF_A_TAB in words else words, line=line) from error
    except (YAMLError, ValueError, IndexError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(NO_YAML, str(error)) from error


class _Builder:
    def __init__(self, text: str, short: literals.Shortened, part: bool) -> None:
        self.text, self.place, self.part = text, short.place, part
        self.root: Node | None = None
        self.ending: int | None = None
        self.left = {literal.mark: literal for literal in short.literals}
        self._open: list[tuple[Node, list[Node]]] = []  # collections, with the children so far
        self._anchors: dict[str, Node] = {}
        self._documents, self.linked = 0, False

    def tree(self) -> Tree:
        return Tree(self.text, self.root, self.ending, self.linked, not self.left)

    def take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._add(self._scalar(self._node(event), event.value, event.style or ""))
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            node = self._node(event)
            node.flow = bool(event.flow_style)
            self._begin(node, isinstance(event, SequenceStartEvent))
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            self._end(self._at(event.end_mark))
        elif isinstance(event, AliasEvent):
            self._add(self._alias(event))
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused(MORE_DOCUMENTS, event)
        elif isinstance(event, DocumentEndEvent) and event.explicit:
            self.ending = self._at(event.start_mark)

    def _at(self, mark: Any) -> int:
        return self.place(mark.index)

    def _refused(self, message: str, event: Event, words: str = "") -> Refused:
        return Refused(message, words, line=line_of(self.text, self._at(event.start_mark)))

    def _node(self, event: Any) -> Node:
        tag = str(event.ctag) if event.ctag else ""
        if tag and tag not in KNOWN_TAGS:
            raise self._refused(OWN_TAG, event, tag)
        node = Node(self._at(event.start_mark), self._at(event.end_mark), anchor=event.anchor or "", tag=tag)
        if node.anchor:
            self.linked, self._anchors[node.anchor] = True, node
        return node

    def scalar(self, text: str, start: int, end: int, style: str) -> None:
        """One without anchor and tag."""
        self._add(self._scalar(Node(self.place(start), self.place(end)), text, style))

    def _scalar(self, node: Node, text: str, style: str) -> Node:
        node.scalar, node.style = text, style
        literal = self.left.get(text.rstrip("\n")) if self.left and style == "|" else None
        if literal:
            del self.left[literal.mark]
            node.scalar = "\n" if text.endswith("\n") else ""
            node.literal, node.whole = literal, self.text
        return node

    def _alias(self, event: Any) -> Node:
        target, self.linked = self._anchors.get(event.anchor), True
        if any(node is target for node, _ in self._open):
            raise self._refused(RECURSIVE, event, f"*{event.anchor}")
        start, end = self._at(event.start_mark), self._at(event.end_mark)
        if target is None and self.part:
            target = Node(start, end, scalar="")
        if target is None:
            raise self._refused(ALIAS_OF_NOTHING, event, f"*{event.anchor}")
        return Node(start, end, alias=target, weight=target.weight)

    def begins(self, is_list: bool, at: int) -> None:
        """A collection in lines, without anchor and tag."""
        place = self.place(at)
        self._begin(Node(place, place), is_list)

    def _begin(self, node: Node, is_list: bool) -> None:
        if len(self._open) >= DEEPEST:
            raise Refused(TOO_DEEP, line=line_of(self.text, node.start))
        if is_list:
            node.items = []
        else:
            node.pairs = []
        self._open.append((node, []))

    def _end(self, end: int) -> None:
        node, children = self._open.pop()
        node.end = end if node.flow else children[-1].end if children else node.start
        if node.items is None:
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
            self._unique(node.pairs)
        else:
            node.items = children
        self._add(node)

    def ends(self) -> None:
        self._end(0)

    def _add(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent, children = self._open[-1]
        node.flow = node.flow or parent.flow
        if node.start == node.end and parent.pairs is not None and len(children) % 2:
            self._put_beside(node, children[-1])
        children.append(node)
        parent.weight += node.weight
        if parent.weight > MOST_NODES:
            raise Refused(TOO_MANY_NODES, line=line_of(self.text, node.start))

    def _put_beside(self, node: Node, key: Node) -> None:
        """The reader of YAML places a value that is not written at what comes next: its place is after the colon."""
        colon = self.text.find(":", key.end, node.start)
        if colon >= 0:
            node.start = node.end = colon + 1

    def _unique(self, pairs: list[tuple[Node, Node]]) -> None:
        seen: dict[Any, Node] = {}
        for key, _ in pairs:
            if key.string is None or key.string == "<<":
                continue
            name = _hashable(key.data())
            if name in seen:
                first, second = (line_of(self.text, each.start) for each in (seen[name], key))
                raise Refused(DUPLICATE_KEY, f"{key.string} ({first}, {second})", line=second)
            seen[name] = key
