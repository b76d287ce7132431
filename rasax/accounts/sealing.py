"""Secrets of other servers, which have to be read again: encrypted with keys from the environment.

ENCRYPTION_KEYS is a list; its first key encrypts, and all of them decrypt, so that a key can be changed.
"""

from __future__ import annotations

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings

from rasax.accounts.tokens import cipher

PURPOSE = b"rasax secrets of other servers"


class Unreadable(Exception):
    """Encrypted with a key that is no longer in ENCRYPTION_KEYS."""


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
