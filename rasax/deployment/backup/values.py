"""A value in the text format of PostgreSQL's COPY, and as SQLite keeps it: a backup of either goes into the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

NULL = b"\\N"
ESCAPED = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
MEANT = {escape[1].encode(): letter.encode() for letter, escape in ESCAPED.items()}
TO_ESCAPE = str.maketrans(ESCAPED)
ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


def _time_from_sqlite(value: str) -> str:
    """Django keeps UTC there, and does not say so."""
    return value if "+" in value else f"{value}+00"


def _time_to_sqlite(value: bytes) -> str:
    return str(datetime.fromisoformat(value.decode()).astimezone(UTC).replace(tzinfo=None))


FROM_SQLITE: dict[str, Callable[[Any], str]] = {
    "flag": lambda value: "t" if value else "f",
    "uuid": lambda value: str(UUID(value)),
    "time": _time_from_sqlite,
    "bytes": lambda value: f"\\\\x{bytes(value).hex()}",
    "real": lambda value: repr(float(value)),
    "whole": str,
    "text": lambda value: str(value).translate(TO_ESCAPE),
}
TO_SQLITE: dict[str, Callable[[bytes], Any]] = {
    "flag": lambda value: int(value == b"t"),
    "uuid": lambda value: UUID(value.decode()).hex,
    "time": _time_to_sqlite,
    "bytes": lambda value: bytes.fromhex(value[2:].decode()),
    "real": float,
    "whole": int,
    "text": bytes.decode,
}


def line(values: Iterable[Any], kinds: list[str]) -> bytes:
    written = ["\\N" if value is None else FROM_SQLITE[kind](value) for value, kind in zip(values, kinds, strict=True)]
    return ("\t".join(written) + "\n").encode()


def row(written: bytes, kinds: list[str]) -> list[Any]:
    cells = written.removesuffix(b"\n").split(b"\t")
    return [
        None if cell == NULL else TO_SQLITE[kind](_unescaped(cell)) for cell, kind in zip(cells, kinds, strict=True)
    ]


def _unescaped(cell: bytes) -> bytes:
    return ESCAPE.sub(lambda found: MEANT.get(found[1], found[1]), cell) if b"\\" in cell else cell
