"""Which model loads in which Rasa."""

from __future__ import annotations

import re

Release = tuple[int, ...]


def suits(model: str, server: str, minimum: str) -> bool | None:
    """None: it is not known.

    Rasa refuses models older than its minimum_compatible_version, and reads none of a later minor version than its own.
    """
    trained, runs, oldest = _release(model), _release(server), _release(minimum)
    if trained is None or runs is None:
        return None
    return trained[:2] <= runs[:2] and (oldest is None or trained >= oldest)


def _release(version: str) -> Release | None:
    found = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else None
