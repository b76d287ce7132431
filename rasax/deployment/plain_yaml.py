"""YAML as data: read by the rules of 1.2 with bounds, and written so that any reader of YAML reads the same again.

Written is one line a key, or a line for each item below it, with what is inside as JSON would have it. Rasa tells what
a file holds by the beginnings of its lines ("nlu:"), and names lines when something is wrong; both work with that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

LARGEST = 32 * 2**20  # characters, of what is written
MOST_NODES = 3_000_000  # some bytes of aliases stand for millions of nodes, which exist only when they are walked

# What a double-quoted scalar must not hold as it is (YAML 1.2, 5.1 and 5.7). None of these is written as \u…, which
# Rasa resolves in a file that is ASCII throughout before it reads the YAML.
HIDDEN = re.compile('["\\\\\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]')
NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\u2028": "\\L", "\u2029": "\\P"}


class Unreadable(Exception):
    """Why, in the words of the reader of YAML, and in which line (from 1; 0 where it does not know)."""

    def __init__(self, words: str, line: int = 0) -> None:
        super().__init__(words)
        self.words, self.line = words[:500], line


class PlainConstructor(SafeConstructor):
    """Dates stay the texts that they are."""


PlainConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def read(text: str) -> Any:
    """Raises Unreadable. `no` is a text, as it is for Rasa."""
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = PlainConstructor
    try:
        return reader.load(_resolved(text) if text.isascii() else text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(str(error.problem or error), mark.line + 1 if mark else 0) from error
    except (YAMLError, ValueError, TypeError) as error:
        raise Unreadable(str(error)) from error
    except RecursionError as error:
        raise Unreadable("It is nested too deeply.") from error


def _resolved(text: str) -> str:
    r"""With characters for escapes as \u00e9, which Rasa 3.6 resolves in a file of ASCII wherever they stand."""
    return text.encode().decode("raw_unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16")


def write(mapping: dict[str, Any]) -> str:
    """Raises Unreadable where it would be too large."""
    left = [MOST_NODES, LARGEST]
    lines: list[str] = []
    try:
        for line in _lines(mapping, left):
            left[1] -= len(line) + 1
            _still(left)
            lines.append(line)
    except RecursionError as error:
        raise Unreadable("It is nested too deeply.") from error
    return "\n".join([*lines, ""])


def _lines(mapping: dict[str, Any], left: list[int]) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, list) and value:
            yield f"{key}:"
            yield from (f"- {''.join(_parts(item, left))}" for item in value)
        elif isinstance(value, dict) and value:
            yield f"{key}:"
            yield from (f"  {_text(str(name))}: {''.join(_parts(item, left))}" for name, item in value.items())
        else:
            yield f"{key}: {''.join(_parts(value, left))}"


def _parts(value: Any, left: list[int]) -> Iterator[str]:
    left[0] -= 1
    _still(left)
    if isinstance(value, dict):
        yield "{"
        for number, (name, item) in enumerate(value.items()):
            yield f"{', ' if number else ''}{_scalar(name)}: "
            yield from _parts(item, left)
        yield "}"
    elif isinstance(value, list | tuple | set):
        yield "["
        for number, item in enumerate(value):
            yield ", " if number else ""
            yield from _parts(item, left)
        yield "]"
    else:
        written = _scalar(value)
        left[1] -= len(written)
        yield written


def _still(left: list[int]) -> None:
    if min(left) < 0:
        raise Unreadable("It is too large, or its aliases stand for too much.")


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, int | float):
        return repr(value)
    return _text(value.isoformat() if isinstance(value, date) else str(value))


def _text(value: str) -> str:
    return f'"{HIDDEN.sub(_named, value)}"'


def _named(found: re.Match[str]) -> str:
    return NAMED.get(found[0]) or f"\\x{ord(found[0]):02x}"
