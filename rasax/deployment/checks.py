"""Misuse of the settings of Rasa servers; docs/settings.md lists what is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError

from events.checks import uncallable
from rasax.deployment import addresses

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


@checks.register
def check_own_address(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if not settings.RASAX_URL:
        if not settings.DEBUG:
            yield checks.Warning(
                "RASAX_URL is not set, so Rasa servers cannot send trained models back.",
                hint="Set it to the address at which they reach rasax, such as http://rasax:8000",
                id="deployment.W001",
            )
        return
    try:
        addresses.validate(settings.RASAX_URL)
    except ValidationError as error:
        yield checks.Error(
            f"RASAX_URL is {settings.RASAX_URL!r}: {error.message}",
            hint="Set it to the address at which Rasa servers reach rasax, such as http://rasax:8000",
            id="deployment.E003",
        )


@checks.register
def check_project_folder(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if settings.RASA_PROJECT and not Path(settings.RASA_PROJECT).is_dir():
        yield checks.Error(
            f"RASA_PROJECT names {settings.RASA_PROJECT!r}, which is no folder here.",
            hint="Mount the folder of the Rasa project, with config.yml in it, into web and worker; or leave it out.",
            id="deployment.E004",
        )


@checks.register
def check_training_data(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    paths = [settings.TRAINING_DATA] if settings.TRAINING_DATA else []
    hint = "Name a function that gives files as texts by their paths."
    yield from uncallable("TRAINING_DATA", paths, hint, ("deployment.E005", "deployment.E006"))
