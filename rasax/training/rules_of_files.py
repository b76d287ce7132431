"""Files that cannot be read, their format versions, and the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from rasax.training.files import Block, TrainingFile
from rasax.training.findings import Found
from rasax.training.formats import nodes
from rasax.training.formats.errors import Refused

NEWEST = (3, 1)
VERSION = re.compile(r"^version\s*:\s*(.*?)\s*(?:#.*)?$", re.MULTILINE)
KEYS = ("recipe", "assistant_id", "language", "pipeline", "policies")


def found_in_files() -> Iterator[Found]:
    for file in TrainingFile.objects.filter(fault__isnull=False):
        fault = file.fault or {}
        yield Found("file_unreadable", fault.get("words", ""), path=file.path, line=fault.get("line", 0))
    yield from _versions()
    yield from _config()


def _versions() -> Iterator[Found]:
    heads = Block.objects.filter(kind=Block.Kind.TEXT, text__contains="version", file__fault__isnull=True)
    read = []
    for block in heads.exclude(file__path="config.yml").select_related("file"):
        written = VERSION.search(block.text)
        if written:
            read.append((block, written[1].strip("\"'"), _version(written[1])))
    for block, words, version in read:
        if version is None or version > NEWEST:
            yield Found("version_unknown", words, block.pk, "version")
    known = [each for each in read if each[2] and each[2] <= NEWEST]
    newest = max((version for _, _, version in known if version), default=NEWEST)
    yield from (
        Found("version_older", words, block.pk, "version") for block, words, version in known if version != newest
    )


def _version(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"[\"']?(\d{1,3})(?:\.(\d{1,3}))?[\"']?", text)
    return (int(found[1]), int(found[2] or 0)) if found else None


def config() -> tuple[str, dict[str, Any]] | None:
    """Its path and what it says: the file that has a pipeline or policies, else config.yml."""
    of_config = Q(file__path="config.yml") | Q(file__path__endswith="/config.yml")
    block = (
        Block.objects.filter(of_config, file__fault__isnull=True).order_by("file__path").select_related("file").first()
    )
    if block is None:
        return None
    try:
        given = nodes.values(block.file.text)
    except Refused:
        return None
    return block.file.path, given if isinstance(given, dict) else {}


def _config() -> Iterator[Found]:
    found = config()
    if found is None:
        if Block.objects.exists():
            yield Found("config_missing", "config.yml")
        return
    path, given = found
    yield from (Found("config_without", key, path=path, line=1) for key in KEYS if not given.get(key))
    if given.get("assistant_id") == "placeholder_default":
        yield Found("config_without", "assistant_id", path=path, line=1)
