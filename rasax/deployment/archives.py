"""What a model archive says about itself: one member of it is read, and nothing is ever unpacked.

3.x packs metadata.json behind its components, 2.x fingerprint.json in no order, so the whole archive is walked, within
bounds, header by header. What no Rasa packs - links, devices, names that lead out of the archive - is refused here,
before a Rasa server unpacks it. Python's tarfile is not used: it takes what a header promises into memory.
"""

from __future__ import annotations

import json
import math
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import BadGzipFile, GzipFile
from typing import IO, Any

from django.utils.translation import gettext_noop

BLOCK = 512  # bytes; a tar consists of them
MOST_MEMBERS = 100_000
LARGEST_TOLD = 32 * 2**20  # bytes of the member that is read; a large domain is in it
LARGEST_NAME = 64 * 2**10  # bytes of a header that names the next member
GROWS = 20  # times its size an archive may unpack to,
AT_LEAST = 256 * 2**20  # or to so many bytes
PART = 2**20
METADATA, FINGERPRINT = "metadata.json", "fingerprint.json"
FILES, FOLDER, NAMES, LONG_NAME = {tarfile.REGTYPE, tarfile.AREGTYPE}, tarfile.DIRTYPE, {b"x", b"g"}, b"L"

NO_ARCHIVE = gettext_noop("This is no model archive. Choose a .tar.gz that Rasa trained.")
NO_MODEL = gettext_noop("This archive is no model of Rasa 2.x or 3.x: nothing in it says which Rasa trained it.")
LEADS_OUT = gettext_noop("A name in this archive leads out of it. Rasa packs no such model; do not use it.")
NO_FILES = gettext_noop("This archive holds links or devices. Rasa packs no such model; do not use it.")
TOO_LARGE = gettext_noop("This archive unpacks to more than a model would. Do not use it.")


class ArchiveRefused(Exception):
    """Its text is one of the above, to be translated."""


@dataclass(frozen=True)
class Told:
    """`trained_at` is in UTC. 2.x has no model_id."""

    rasa_version: str
    trained_at: datetime | None
    model_id: str = ""


def read(archive: IO[bytes], size: int) -> Told:
    """Of a model of so many bytes; raises ArchiveRefused."""
    told: Told | None = None
    try:
        with GzipFile(fileobj=archive, mode="rb") as unpacked:
            bounded = Bounded(unpacked, max(AT_LEAST, size * GROWS))
            for name, content in _members(bounded):
                if name in {METADATA, FINGERPRINT}:
                    told = _told(name, content)
            bounded.end()
    except (tarfile.HeaderError, BadGzipFile, zlib.error, EOFError) as error:
        raise ArchiveRefused(NO_ARCHIVE) from error
    if told is None:
        raise ArchiveRefused(NO_MODEL)
    return told


class Bounded:
    """Reads on and on, to so many bytes."""

    def __init__(self, file: GzipFile, most: int) -> None:
        self._file, self._left = file, most

    def read(self, size: int) -> bytes:
        """As many, or fewer where it ends."""
        self._left -= size
        if self._left < 0:
            raise ArchiveRefused(TOO_LARGE)
        return self._file.read(size)

    def end(self) -> None:
        """Reads what is left: its last bytes say whether all of it came."""
        while self.read(PART):
            pass

    def skip(self, size: int) -> None:
        while size > 0:
            part = self.read(min(size, PART))
            if not part:
                raise EOFError
            size -= len(part)


def _members(file: Bounded) -> Iterator[tuple[str, bytes]]:
    """The name of each file, and the content of those that are read."""
    longer = ""
    for _number in range(MOST_MEMBERS):
        header = file.read(BLOCK)
        if not header.strip(b"\0"):
            return
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if member.type in NAMES or member.type == LONG_NAME:
            longer = _name_in(member, _content(file, member.size, LARGEST_NAME)) or longer
            continue
        name, longer = _checked(longer or member.name, member), ""
        if member.type != FOLDER and name in {METADATA, FINGERPRINT}:
            yield name, _content(file, member.size, LARGEST_TOLD)
        else:
            file.skip(_padded(member.size))
            yield name, b""
    raise ArchiveRefused(TOO_LARGE)


def _checked(name: str, member: tarfile.TarInfo) -> str:
    if member.type not in FILES and (member.type != FOLDER or member.size):
        raise ArchiveRefused(NO_FILES)
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or "\0" in name:
        raise ArchiveRefused(LEADS_OUT)
    return name.removeprefix("./")


def _content(file: Bounded, size: int, most: int) -> bytes:
    if size > most:
        raise ArchiveRefused(TOO_LARGE)
    content = file.read(_padded(size))[:size]
    if len(content) < size:
        raise EOFError
    return content


def _padded(size: int) -> int:
    if size < 0:
        raise ArchiveRefused(NO_ARCHIVE)
    return -(-size // BLOCK) * BLOCK


def _name_in(member: tarfile.TarInfo, content: bytes) -> str:
    """A pax header consists of "length key=value\\n"; what would change a member's kind or size is refused."""
    if member.type == LONG_NAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape")
    name = ""
    while content.rstrip(b"\0"):
        length, _, rest = content.partition(b" ")
        if not length.isdigit() or not len(length) < int(length[:8]) <= len(content):
            raise ArchiveRefused(NO_ARCHIVE)
        key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
        if key in {b"size", b"linkpath"} or key.startswith(b"GNU.sparse"):
            raise ArchiveRefused(NO_FILES)
        if key == b"path":
            name = value.decode("utf-8", "surrogateescape")
        content = content[int(length) :]
    return name


def _told(name: str, content: bytes) -> Told:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveRefused(NO_MODEL) from error
    version = (
        said.get("rasa_open_source_version" if name == METADATA else "version") if isinstance(said, dict) else None
    )
    if not isinstance(version, str) or not version or len(version) > 32 or not version.isprintable():
        raise ArchiveRefused(NO_MODEL)
    model_id = said.get("model_id")
    known = isinstance(model_id, str) and len(model_id) <= 64 and model_id.isalnum()
    return Told(version, _moment(said.get("trained_at")), model_id if known else "")


def _moment(said: Any) -> datetime | None:
    """3.x writes ISO in UTC without saying so, 2.x seconds."""
    try:
        if isinstance(said, int | float) and math.isfinite(said):
            return datetime.fromtimestamp(said, UTC)
        return datetime.fromisoformat(said).replace(tzinfo=UTC) if isinstance(said, str) else None
    except (ValueError, OverflowError, OSError):
        return None
