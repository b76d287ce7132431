"""Files of a Rasa project as they come from outside: YAML, a zip or a tar.gz of the folder, read in memory.

Nothing is unpacked to a disk. What is read is bounded; links, devices and whatever else an archive may hold are passed
over, and a name that leads out of the archive is refused.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_noop

from rasax.accounts import packed
from rasax.training.formats.errors import Refused

LARGEST_UPLOAD = 64 * 2**20  # bytes, as it is sent
LARGEST = 64 * 2**20  # bytes of all YAML together
BOUNDS = packed.Bounds(yaml=LARGEST, passed=256 * 2**20)

TOO_LARGE = gettext_noop("This is more than rasax takes at once: 64 MB packed, 64 MB of YAML, 20,000 files.")
NO_ARCHIVE = gettext_noop(
    "This is no YAML file, and neither a zip nor a tar.gz that can be read. Pack the folder again."
)
LEADS_OUT = gettext_noop("A name in the archive leads out of it. Pack the folder of the Rasa project again.")
NO_YAML = gettext_noop("There is no YAML file in it. Pack the folder with config.yml, domain.yml and data.")

WORDS = {packed.TooLarge: TOO_LARGE, packed.NoArchive: NO_ARCHIVE, packed.LeadsOut: LEADS_OUT}

Files = dict[str, bytes]  # content by path


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
    return {name: upload.read()} if name.lower().endswith(packed.YAML_NAMES) else unpacked(upload)


def unpacked(archive: IO[bytes]) -> Files:
    """Raises Refused."""
    try:
        return packed.without_common_folder(dict(packed.members(archive, BOUNDS)))
    except packed.Unusable as error:
        raise Refused(WORDS[type(error)], error.where) from error


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
    with zipfile.ZipFile(parts, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
            yield parts.taken()
    yield parts.taken()
