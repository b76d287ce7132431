"""The YAML files of a Rasa project that somebody packed as zip or tar.gz: read in memory, and never written anywhere.

Only ordinary files whose names end in .yml or .yaml are read, each within bounds; links, devices and whatever else an
archive may hold are passed over, and a name that leads out of the archive is refused.
"""

from __future__ import annotations

from typing import IO

from django.utils.translation import gettext_noop

from rasax.accounts import packed

LARGEST_ARCHIVE = 32 * 2**20  # bytes, as it is sent
LARGEST = 16 * 2**20  # bytes of all files together, unpacked
BOUNDS = packed.Bounds(yaml=LARGEST, passed=128 * 2**20)

Files = dict[str, str]  # text by path

NO_ARCHIVE = gettext_noop(
    "This is neither a zip nor a tar.gz that can be read. Pack the folder of the Rasa project again."
)
TOO_LARGE = gettext_noop("The project is larger than rasax takes: 32 MB packed, 16 MB of YAML, 20,000 files.")
LEADS_OUT = gettext_noop("A name in the archive leads out of it. Pack the folder of the Rasa project again.")
NOT_UTF_8 = gettext_noop("A file is not UTF-8. Save it as UTF-8.")
NO_YAML = gettext_noop("There is no YAML file in it. Pack the folder with config.yml, domain.yml and data.")


WORDS = {packed.TooLarge: TOO_LARGE, packed.NoArchive: NO_ARCHIVE, packed.LeadsOut: LEADS_OUT}


class Refused(Exception):
    """Why it is not taken, and the file that is meant, if it is one."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message, self.where = message, where


def unpacked(archive: IO[bytes]) -> Files:
    """Raises Refused."""
    try:
        files = {name: decoded(name, content) for name, content in packed.members(archive, BOUNDS)}
    except packed.Unusable as error:
        raise Refused(WORDS[type(error)], error.where) from error
    if not files:
        raise Refused(NO_YAML)
    return packed.without_common_folder(files)


def decoded(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(NOT_UTF_8, name) from error
    if "\x00" in text:
        raise Refused(NOT_UTF_8, name)
    return text


def checked(path: str) -> str:
    """The name of a file that is read; nothing for one that is not. Raises Refused."""
    try:
        return packed.wanted(path)
    except packed.LeadsOut as error:
        raise Refused(LEADS_OUT, error.where) from error
