"""Which files of a Rasa project are training data, and where new ones go."""

from __future__ import annotations

from pathlib import PurePosixPath

ENDINGS = {".yml", ".yaml"}
SECRET = {"endpoints", "credentials"}  # they hold passwords, and no training data
NOT_DATA = ("results/", "models/", "actions/", "venv/", "node_modules/")
LONGEST = 500


def checked(path: str) -> str | None:
    """The path as it is kept; None for what is no training data: hidden, not YAML, or with passwords in it."""
    pure = PurePosixPath(path.replace("\\", "/"))
    parts = [part for part in pure.parts if part != "."]
    kept = "/".join(parts)
    if not parts or pure.is_absolute() or any(part.startswith(".") for part in parts):
        return None
    if pure.suffix not in ENDINGS or pure.stem in SECRET or kept.startswith(NOT_DATA):
        return None
    return kept if len(kept) <= LONGEST and kept.isprintable() else None
