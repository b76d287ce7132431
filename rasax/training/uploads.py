"""Files of a Rasa project as they come from outside: YAML, a zip or a tar.gz of the folder, read in memory.

Nothing is unpacked to a disk. What is read is bounded; links, devices and whatever else an archive may hold are passed
over, and a name that leads out of the archive is refused.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_noop

from rasax.training.formats.errors import Refused

LARGEST_UPLOAD = 64 * 2**20  # bytes, as it is sent
LARGEST = 64 * 2**20  # bytes of all YAML together
MOST_PASSED = 256 * 2**20  # bytes of a tar.gz that are unpacked to get by what is not read
MOST_MEMBERS = 20_000
LONGEST_NAME = 255
YAML_NAMES = (".yml", ".yaml")

TOO_LARGE = gettext_noop("This is more than rasax takes at once: 64 MB packed, 64 MB of YAML, 20,000 files.")
NO_ARCHIVE = gettext_noop(
    "This is no YAML file, and neither a zip nor a tar.gz that can be read. Pack the folder again."
)
LEADS_OUT = gettext_noop("A name in the archive leads out of it. Pack the folder of the Rasa project again.")
NO_YAML = gettext_noop("There is no YAML file in it. Pack the folder with config.yml, domain.yml and data.")

Files = dict[str, bytes]  # content by path
Member = tuple[str, int, IO[bytes] | None]


def read(uploads: Iterable[UploadedFile]) -> Files:
    """By path. Raises Refused."""
    files: Files = {}
    for upload in uploads:
        if (upload.size or 0) > LARGEST_UPLOAD:
            raise Refused(TOO_LARGE, upload.name or "")
        files |= _one(upload)
    if not files:
        raise Refused(NO_YAML)
    if sum(map(len, files.values())) > LARGEST:
        raise Refused(TOO_LARGE)
    return files


def _one(upload: UploadedFile) -> Files:
    name = upload.name or ""
    return {name: upload.read()} if name.lower().endswith(YAML_NAMES) else unpacked(upload)


def unpacked(archive: IO[bytes]) -> Files:
    """Raises Refused."""
    start = archive.read(4)
    archive.seek(0)
    members = _of_zip(archive) if start.startswith(b"PK") else _of_tar(archive)
    try:
        files = dict(_read(members))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise Refused(NO_ARCHIVE) from error
    except Refused:
        raise
    except (RuntimeError, ValueError, UnicodeError, RecursionError) as error:  # encrypted, or made to be wrong
        raise Refused(NO_ARCHIVE) from error
    return without_common_folder(files)


def _read(members: Iterator[Member]) -> Iterator[tuple[str, bytes]]:
    left = LARGEST
    for name, size, stream in members:
        content = stream.read(left + 1) if stream and size <= left else b""
        left -= max(size, len(content))
        if left < 0:
            raise Refused(TOO_LARGE)
        yield name, content


def _of_zip(archive: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        if len(packed.infolist()) > MOST_MEMBERS:
            raise Refused(TOO_LARGE)
        for info in packed.infolist():
            ordinary = info.external_attr >> 28 in {0, 8}  # of the kinds of Unix files: none told, or an ordinary one
            if ordinary and not info.is_dir() and (name := _wanted(info.filename)):
                with packed.open(info) as stream:
                    yield name, info.file_size, stream


def _of_tar(archive: IO[bytes]) -> Iterator[Member]:
    with tarfile.open(fileobj=_Bounded(archive), mode="r|") as packed:
        for number, info in enumerate(packed):
            if number >= MOST_MEMBERS:
                raise Refused(TOO_LARGE)
            if info.isreg() and (name := _wanted(info.name)):
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


def _wanted(path: str) -> str:
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
        files = {path.partition("/")[2]: content for path, content in files.items()}
    return files


class _Parts(io.RawIOBase):
    """What was written to it since it was last emptied."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._written.append(content)
        return len(content)

    def taken(self) -> bytes:
        content, self._written = b"".join(self._written), []
        return content


def zipped(files: Mapping[str, str | bytes]) -> Iterator[bytes]:
    """A zip, part by part."""
    parts = _Parts()
    with zipfile.ZipFile(parts, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, content in files.items():
            packed.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
            yield parts.taken()
    yield parts.taken()
