"""Secrets of other servers, which have to be read again: encrypted with keys from the environment.

ENCRYPTION_KEYS is a list; its first key encrypts, and all of them decrypt, so that a key can be changed.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models import Q

from rasax.accounts.tokens import cipher

PURPOSE = b"rasax secrets of other servers"


class Unreadable(Exception):
    """Encrypted with a key that is no longer in ENCRYPTION_KEYS."""


class SealedField(models.TextField):  # type: ignore[type-arg]
    """Keeps what `seal` gave; `rasax.accounts.encrypted` finds it by that. `needed` are the rows of which it matters
    that somebody can read it. A text field to migrations."""

    def __init__(self, *args: Any, needed: Q | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needed = needed or Q()

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def seal(secret: str) -> str:
    """Nothing of nothing: an empty text stays empty."""
    return _ciphers().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    try:
        return _ciphers().decrypt(sealed.encode()).decode() if sealed else ""
    except InvalidToken as error:
        raise Unreadable("This secret was encrypted with a key that is not in ENCRYPTION_KEYS any more.") from error


def seal_anew(sealed: str) -> str:
    """By the first key."""
    return seal(unseal(sealed))


def _ciphers() -> MultiFernet:
    keys = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    return MultiFernet([cipher(PURPOSE, key) for key in keys])
