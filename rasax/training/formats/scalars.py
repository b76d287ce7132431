"""Texts as YAML writes them, in the style that was there where it can hold them."""

from __future__ import annotations

import re

from rasax.training.formats.nodes import Node, plain

UNSAFE_BEGIN = re.compile(r"""[-?:,\[\]{}#&*!|>'"%@`\s]""")
UNSAFE_INSIDE = re.compile(r":(?:\s|$)|\s#|[\n\r\t\x85\u2028\u2029\ufeff]|\s$")
UNSAFE_IN_FLOW = re.compile(r"[,\[\]{}]|:")
HIDDEN = re.compile('["\\\\\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ud800-\\udfff]')
NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
PROPERTIES = re.compile(r"(?:[&!][^\s]*\s+)*")


def written(text: str, style: str = "", flow: bool = False) -> str:
    if style == "'" and not HIDDEN.search(text.replace('"', "").replace("\\", "")):
        return "'" + text.replace("'", "''") + "'"
    return text if style in ("", "|", ">") and _is_plain(text, flow) else f'"{HIDDEN.sub(_escape, text)}"'


def _is_plain(text: str, flow: bool) -> bool:
    """Whether YAML reads the bare text as this text; also for readers of 1.1, to whom `no` is false."""
    if not text or not isinstance(plain(text), str) or text.lower() in ("yes", "no", "on", "off", "y", "n", "="):
        return False
    if UNSAFE_INSIDE.search(text) or (flow and UNSAFE_IN_FLOW.search(text)):
        return False
    return not UNSAFE_BEGIN.match(text) and not text.startswith(("---", "..."))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return NAMED.get(found[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


Span = tuple[int, int, str]  # of the node's text from, to, and what stands there instead
Patch = tuple[int, int, str]  # the same of the text around it


def spliced(text: str, node: Node, spans: list[Span]) -> Patch:
    """The scalar with other words in it: what need not change in it stays."""
    old = node.text or ""
    new = replaced(old, spans)
    start = node.start + len(PROPERTIES.match(text[node.start : node.end])[0])  # type: ignore[index]
    raw = text[start : node.end]
    if node.style in ("|", ">") or "\n" in raw.rstrip("\n"):
        return start, node.end, _in_place(raw, old, new, spans)
    return start, start + len(raw.rstrip()), written(new, node.style, node.flow)


def _in_place(raw: str, old: str, new: str, spans: list[Span]) -> str:
    """A text over several lines: the words are changed where they stand, if they stand nowhere else in it."""
    result, at = list[str](), 0
    for start, end, word in sorted(spans):
        before = old[:start].count(old[start:end])
        place = _nth(raw, old[start:end], before)
        if place < at or raw.count(old[start:end]) != old.count(old[start:end]):
            return written(new, '"') + raw[len(raw.rstrip("\r\n")) :]
        result += [raw[at:place], word]
        at = place + end - start
    return "".join([*result, raw[at:]])


def _nth(text: str, words: str, number: int) -> int:
    at = text.find(words)
    for _ in range(number):
        at = text.find(words, at + len(words))
    return at


def replaced(text: str, spans: list[Span]) -> str:
    """No two of them overlap."""
    parts, at = list[str](), 0
    for start, end, words in sorted(spans):
        parts += [text[at:start], words]
        at = end
    return "".join([*parts, text[at:]])
