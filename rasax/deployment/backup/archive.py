"""The file of a backup: a zip of pieces of tables and of stored files, with a manifest that tells the SHA-256 of each.

A zip can be written to a pipe, and what is cut off has no directory any more. Members are read by the names that the
manifest gives, as streams and within the sizes it tells; none is ever unpacked to a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64 * 2**20  # bytes; a billion events have some 6 MB
PIECE = 16 * 2**20  # bytes of a table in one member
PART = 2**20
LEVEL = 3  # of zlib: a fifth more room than its default, in half the time
NAME = re.compile(r"\w[\w.-]*", re.ASCII)
NOT_WHOLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class NoBackup(Exception):
    """The text says what is wrong with the file."""


@dataclass
class Kept:
    """A table: its columns as (name, kind), and the column that numbers itself, with the last number it gave."""

    columns: list[tuple[str, str]]
    rows: int = 0
    pieces: int = 0
    serial: str = ""
    last: int = 0


@dataclass
class Manifest:
    version: str
    made_at: str
    database: str
    migrations: list[tuple[str, str]]
    keys: dict[str, str]
    tables: dict[str, Kept] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    missing_files: list[str] = field(default_factory=list)
    members: dict[str, tuple[int, str]] = field(default_factory=dict)  # size in bytes, SHA-256
    format: int = FORMAT

    @classmethod
    def of(cls, text: bytes) -> Manifest:
        """Raises NoBackup."""
        told = json.loads(text)
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise NoBackup("It was made by a rasax whose backups this one does not know; restore it with that one.")
        tables = {name: Kept(**kept) for name, kept in told.pop("tables").items()}
        told["migrations"] = [(app, name) for app, name in told["migrations"]]
        manifest = cls(**told, tables=tables)
        if not all(map(NAME.fullmatch, manifest._names())):
            raise NoBackup("It names what no rasax has.")
        return manifest

    def _names(self) -> Iterator[str]:
        """All that becomes a part of SQL or of a path."""
        yield from self.files
        for name, kept in self.tables.items():
            yield from (name, kept.serial or name, *(column for column, _kind in kept.columns))


def piece_of(table: str, number: int) -> str:
    return f"tables/{table}/{number:06}"


def file_of(name: str) -> str:
    return f"files/{name}"


class Writer:
    """Writes to a file or a pipe; what has no end is no backup."""

    def __init__(self, out: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def add(self, name: str, parts: Iterable[bytes], how: int = zipfile.ZIP_DEFLATED) -> None:
        digest, size, info = hashlib.sha256(), 0, zipfile.ZipInfo(name)
        info.compress_type, info.external_attr = how, 0o600 << 16
        info._compresslevel = LEVEL  # type: ignore[attr-defined]
        with self._zip.open(info, "w", force_zip64=True) as member:
            for part in parts:
                member.write(part)
                digest.update(part)
                size += len(part)
        self.manifest.members[name] = (size, digest.hexdigest())

    def add_file(self, name: str, stream: IO[bytes]) -> None:
        """As it is: models are packed already."""
        self.add(file_of(name), iter(lambda: stream.read(PART), b""), zipfile.ZIP_STORED)
        self.manifest.files.append(name)

    def end(self) -> None:
        self._zip.writestr(MANIFEST, json.dumps(asdict(self.manifest)))
        self._zip.close()


class Pieces(io.RawIOBase):
    """Takes a table's rows as bytes, and puts them into the archive piece by piece."""

    def __init__(self, writer: Writer, table: str) -> None:
        self._writer, self._table, self._held, self.n = writer, table, bytearray(), 0

    def write(self, data: Any) -> int:
        self._held += data
        if len(self._held) >= PIECE:
            self.let_go()
        return len(data)

    def let_go(self) -> None:
        if self._held:
            self._writer.add(piece_of(self._table, self.n), [bytes(self._held)])
            self._held.clear()
            self.n += 1


class Archive:
    """Raises NoBackup where the file is not whole, or not one of ours."""

    def __init__(self, path: Path) -> None:
        with _whole():
            self._zip = zipfile.ZipFile(path)
        try:
            with _whole():
                self.manifest = Manifest.of(self._manifest())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()

    def _manifest(self) -> bytes:
        with self._zip.open(MANIFEST) as member:
            text = member.read(LARGEST_MANIFEST + 1)
        if len(text) > LARGEST_MANIFEST:
            raise NoBackup("Its manifest is larger than that of any backup.")
        return text

    def verify(self) -> None:
        """That each member is there and is what was written."""
        expected = {piece_of(name, n) for name, kept in self.manifest.tables.items() for n in range(kept.pieces)}
        expected |= {file_of(name) for name in self.manifest.files}
        if expected != self.manifest.members.keys():
            raise NoBackup("Its manifest contradicts itself.")
        for name in sorted(expected):
            for _part in self._parts(name):
                pass

    def table(self, name: str) -> IO[bytes]:
        """The rows, one a line, in the text format of PostgreSQL's COPY."""
        pieces = range(self.manifest.tables[name].pieces)
        return io.BufferedReader(Joined(part for n in pieces for part in self._parts(piece_of(name, n))), PART)

    def file(self, name: str) -> IO[bytes]:
        return io.BufferedReader(Joined(self._parts(file_of(name))), PART)

    def digest(self, name: str) -> str:
        return self.manifest.members[file_of(name)][1]

    def _parts(self, name: str) -> Iterator[bytes]:
        size, digest = self.manifest.members[name]
        seen, left = hashlib.sha256(), size
        with _whole(name), self._zip.open(name) as member:
            while part := member.read(min(PART, left + 1)):
                left -= len(part)
                seen.update(part)
                if left < 0:
                    break
                yield part
        if left or seen.hexdigest() != digest:
            raise NoBackup(f"{name} in it is not what was written.")


class Joined(io.RawIOBase):
    """Parts one after the other as one stream."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if not self._rest:
            self._rest = next(self._parts, b"")
        n = min(len(into), len(self._rest))
        into[:n], self._rest = self._rest[:n], self._rest[n:]
        return n


@contextlib.contextmanager
def _whole(name: str = "") -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, *NOT_WHOLE) as error:
        what = f"{name} in it cannot be read" if name else "It is no backup of rasax, or was cut off"
        raise NoBackup(f"{what} ({error}).") from error
