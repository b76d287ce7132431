"""Reads settings from the environment; each variable has a twin NAME_FILE that names a file with the value in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name, default)
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from error


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value in {"", "0", "false", "no", "off", "1", "true", "yes", "on"}:
        return value in {"1", "true", "yes", "on"} if value else default
    raise ImproperlyConfigured(f"{name} is {value!r}; set it to 1 or 0.")


def whole(name: str, default: int) -> int:
    """A number above 0; the default, which may be 0, where nothing is set."""
    value = text(name)
    if not value:
        return default
    if value.isascii() and value.isdecimal() and 0 < len(value) < 10 and int(value):
        return int(value)
    raise ImproperlyConfigured(f"{name} is {value!r}; set it to a whole number such as {default}.")


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folder(path: Path) -> Path:
    """Makes it where it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be made: {error.strerror}. Set RASAX_RUN_DIR to another.") from error
    return path


def one_of(name: str, default: str, allowed: Iterable[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; set it to one such as {default!r}.")
    return value
