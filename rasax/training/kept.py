"""What is worked out from all training data, kept until they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

from rasax.training.changes import Change
from rasax.training.projects import Project

KEPT = 24 * 3600  # seconds; a change makes another key
T = TypeVar("T")


def kept(project: Project, name: str, work: Callable[[], T]) -> T:
    """What `work` returns, as JSON holds it."""
    latest = Change.objects.values_list("at", flat=True).first()  # beside the version, for a database that was put back
    key = f"training-{name}:{project.pk}:{project.version}:{latest.timestamp() if latest else 0}"
    found: T | None = cache.get(key)
    if found is None:
        found = work()
        cache.set(key, found, KEPT)
    return found
