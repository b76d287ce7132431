"""Misuse of the settings of training data; docs/settings.md lists what is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks

from events.checks import uncallable


@checks.register
def check_followers(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    hint = "Name a function of what was added and removed."
    yield from uncallable("TRAINING_FOLLOWERS", settings.TRAINING_FOLLOWERS, hint, ("training.E001", "training.E002"))
