"""Model files on their way back into the storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files import File

from rasax.deployment.backup.archive import PART, Archive
from rasax.deployment.registry import model_storage


@contextmanager
def files_of(archive: Archive) -> Iterator[None]:
    """Puts them there, and takes them away again where what follows fails. A killed process leaves files that no model
    has, which sweep_model_files finds."""
    put: list[str] = []
    try:
        for name in archive.manifest.files:
            if not _is_there(name, archive.digest(name)):
                put.append(name)
                _put(name, archive)
        yield
    except BaseException:
        for name in put:
            model_storage().delete(name)
        raise


def _put(name: str, archive: Archive) -> None:
    storage = model_storage()
    storage.delete(name)  # of its name, but not whole
    with archive.file(name) as stream:
        storage.save(name, File(stream))


def _is_there(name: str, digest: str) -> bool:
    if not model_storage().exists(name):
        return False
    seen = hashlib.sha256()
    with model_storage().open(name) as file:
        while part := file.read(PART):
            seen.update(part)
    return seen.hexdigest() == digest
