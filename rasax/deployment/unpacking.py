"""The YAML files of a Rasa project that somebody packed as zip or tar.gz: read in memory, and never written anywhere.

Only ordinary files whose names end in .yml or .yaml are read, each within bounds; links, devices and whatever else an
archive may hold are passed over, and a name that leads out of the archive is refused.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from django.utils.translation import gettext_noop

LARGEST_ARCHIVE = 32 * 2**20  # bytes, as it is sent
LARGEST = 16 * 2**20  # bytes of all files together, unpacked
MOST_PASSED = 128 * 2**20  # bytes of a tar.gz that are unpacked to get by what is not read
MOST_MEMBERS = 20_000
LONGEST_NAME = 255
YAML_NAMES = (".yml", ".yaml")

Files = dict[str, str]  # text by path

NO_ARCHIVE = gettext_noop(
    "This is neither a zip nor a tar.gz that can be read. Pack the folder of the Rasa project again."
)
TOO_LARGE = gettext_noop("The project is larger than rasax takes: 32 MB packed, 16 MB of YAML, 20,000 files.")
LEADS_OUT = gettext_noop("A name in the archive leads out of it. Pack the folder of the Rasa project again.")
NOT_UTF_8 = gettext_noop("A file is not UTF-8. Save it as UTF-8.")
NO_YAML = gettext_noop("There is no YAML file in it. Pack the folder with config.yml, domain.yml and data.")


class Refused(Exception):
    """Why it is not taken, and the file that is meant, if it is one."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message, self.where = message, where


def unpacked(archive: IO[bytes]) -> Files:
    """Raises Refused."""
    start = archive.read(4)
    archive.seek(0)
    members = _of_zip(archive) if start.startswith(b"PK") else _of_tar(archive)
    try:
        files = dict(_read(members))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise Refused(NO_ARCHIVE) from error
    except (RuntimeError, ValueError, UnicodeError, RecursionError) as error:  # encrypted, or made to be wrong
        raise Refused(NO_ARCHIVE) from error
    if not files:
        raise Refused(NO_YAML)
    return without_common_folder(files)


def _read(members: Iterator[tuple[str, int, IO[bytes] | None]]) -> Iterator[tuple[str, str]]:
    left = LARGEST
    for name, size, stream in members:
        if size > left:
            raise Refused(TOO_LARGE)
        content = stream.read(left + 1) if stream else b""
        left -= len(content)
        if left < 0:
            raise Refused(TOO_LARGE)
        yield name, decoded(name, content)


def decoded(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(NOT_UTF_8, name) from error
    if "\x00" in text:
        raise Refused(NOT_UTF_8, name)
    return text


def _of_zip(archive: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as packed:
        if len(packed.infolist()) > MOST_MEMBERS:
            raise Refused(TOO_LARGE)
        for info in packed.infolist():
            is_link = info.external_attr >> 28 not in {
                0,
                8,
            }  # of the kinds of Unix files: none told, or an ordinary one
            if not info.is_dir() and not is_link and (name := checked(info.filename)):
                with packed.open(info) as stream:
                    yield name, info.file_size, stream


def _of_tar(archive: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    with tarfile.open(fileobj=_Bounded(archive), mode="r|") as packed:
        for number, info in enumerate(packed):
            if number >= MOST_MEMBERS:
                raise Refused(TOO_LARGE)
            if info.isreg() and (name := checked(info.name)):
                yield name, info.size, packed.extractfile(info)


class _Bounded(io.RawIOBase):
    """What is in a gzip, which may not unpack to any size."""

    def __init__(self, archive: IO[bytes]) -> None:
        self._unpacked, self._left = gzip.GzipFile(fileobj=archive), MOST_PASSED

    def read(self, size: int = -1) -> bytes:
        content = self._unpacked.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise Refused(TOO_LARGE)
        return content


def checked(path: str) -> str:
    """The name of a file that is read; nothing for one that is not."""
    steps = PurePosixPath(path.replace("\\", "/")).parts
    if ".." in steps or path.startswith(("/", "\\")) or ":" in path[:3]:
        raise Refused(LEADS_OUT, path[:LONGEST_NAME])
    is_hidden = any(step.startswith(".") or step == "__MACOSX" for step in steps)
    if is_hidden or not path.lower().endswith(YAML_NAMES) or len(path) > LONGEST_NAME:
        return ""
    return "" if any(ord(letter) < 32 for letter in path) else "/".join(steps)


def without_common_folder(files: Files) -> Files:
    """Whoever packs a folder rather than what is in it means the same."""
    while len(tops := {path.partition("/")[0] for path in files}) == 1 and all("/" in path for path in files):
        if tops & {"data", "domain", "tests"}:
            break
        files = {path.partition("/")[2]: text for path, text in files.items()}
    return files
