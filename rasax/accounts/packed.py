"""The YAML files in a zip or a tar.gz that somebody packed: read in memory, within bounds, never written anywhere.

Links, devices and whatever else an archive may hold are passed over.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TypeVar

MOST_MEMBERS = 20_000
LONGEST_NAME = 255
YAML_NAMES = (".yml", ".yaml")

Content = TypeVar("Content", str, bytes)
Member = tuple[str, int, IO[bytes] | None]


class Unusable(Exception):
    """`where` is the name in the archive that is meant, if it is one."""

    def __init__(self, where: str = "") -> None:
        super().__init__(where)
        self.where = where


class TooLarge(Unusable):
    pass


class NoArchive(Unusable):
    pass


class LeadsOut(Unusable):
    """A name in the archive leads out of it."""


@dataclass(frozen=True)
class Bounds:
    """In bytes: of all YAML together, and of a tar.gz that is unpacked to get by what is not read."""

    yaml: int
    passed: int


def members(archive: IO[bytes], bounds: Bounds) -> Iterator[tuple[str, bytes]]:
    """The content of each YAML file by its path. Raises Unusable."""
    start = archive.read(4)
    archive.seek(0)
    try:
        yield from _read(_of_zip(archive) if start.startswith(b"PK") else _of_tar(archive, bounds.passed), bounds.yaml)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise NoArchive from error
    except (RuntimeError, ValueError, UnicodeError, RecursionError) as error:  # encrypted, or made to be wrong
        raise NoArchive from error


def _read(found: Iterator[Member], left: int) -> Iterator[tuple[str, bytes]]:
    for name, size, stream in found:
        content = stream.read(left + 1) if stream and size <= left else b""
        left -= max(size, len(content))
        if left < 0:
            raise TooLarge
        yield name, content


def _of_zip(archive: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        if len(packed.infolist()) > MOST_MEMBERS:
            raise TooLarge
        for info in packed.infolist():
            ordinary = info.external_attr >> 28 in {0, 8}  # of the kinds of Unix files: none told, or an ordinary one
            if ordinary and not info.is_dir() and (name := wanted(info.filename)):
                with packed.open(info) as stream:
                    yield name, info.file_size, stream


def _of_tar(archive: IO[bytes], most: int) -> Iterator[Member]:
    with tarfile.open(fileobj=_Bounded(archive, most), mode="r|") as packed:
        for number, info in enumerate(packed):
            if number >= MOST_MEMBERS:
                raise TooLarge
            if info.isreg() and (name := wanted(info.name)):
                yield name, info.size, packed.extractfile(info)


class _Bounded(io.RawIOBase):
    """What is in a gzip, which may not unpack to any size."""

    def __init__(self, archive: IO[bytes], most: int) -> None:
        self._unpacked, self._left = gzip.GzipFile(fileobj=archive), most

    def read(self, size: int = -1) -> bytes:
        content = self._unpacked.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge
        return content


def wanted(path: str) -> str:
    """The name of a file that is read; nothing for one that is not. Raises LeadsOut."""
    steps = PurePosixPath(path.replace("\\", "/")).parts
    if ".." in steps or path.startswith(("/", "\\")) or ":" in path[:3]:
        raise LeadsOut(path[:LONGEST_NAME])
    is_hidden = any(step.startswith(".") or step == "__MACOSX" for step in steps)
    if is_hidden or not path.lower().endswith(YAML_NAMES) or len(path) > LONGEST_NAME:
        return ""
    return "" if any(ord(letter) < 32 for letter in path) else "/".join(steps)


def without_common_folder(files: dict[str, Content]) -> dict[str, Content]:
    """Whoever packs a folder rather than what is in it means the same."""
    while len(tops := {path.partition("/")[0] for path in files}) == 1 and all("/" in path for path in files):
        if tops & {"data", "domain", "tests"}:
            break
        files = {path.partition("/")[2]: content for path, content in files.items()}
    return files
