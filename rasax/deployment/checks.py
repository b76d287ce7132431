"""Misuse of the settings of Rasa servers; docs/settings.md lists what is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks

SHORTEST_KEY = 32


@checks.register(checks.Tags.security)
def check_encryption_keys(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if not settings.ENCRYPTION_KEYS and not settings.DEBUG:
        yield checks.Error(
            "ENCRYPTION_KEYS is not set, so the tokens of Rasa servers could not be kept encrypted.",
            hint="Set it, or ENCRYPTION_KEYS_FILE, to the output of: openssl rand -hex 32",
            id="deployment.E001",
        )
    if any(len(key) < SHORTEST_KEY for key in settings.ENCRYPTION_KEYS):
        yield checks.Error(
            f"A key in ENCRYPTION_KEYS has fewer than {SHORTEST_KEY} characters; who guesses it can read the tokens.",
            hint="Put a new one first, such as the output of: openssl rand -hex 32; then run: manage.py encrypt_anew",
            id="deployment.E002",
        )
