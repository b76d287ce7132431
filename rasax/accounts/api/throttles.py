"""How often one may ask: counted by the minute, per person, or per address for those who are not signed in."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = logging.getLogger(__name__)

MINUTE = 60


class PerMinute(BaseThrottle):
    """A counter in the cache for each minute: one number, whatever the rate, and exact between processes."""

    def allow_request(self, request: Request, view: Any) -> bool:
        scope, asker = self._asker(request, view)
        return counted(f"throttle:{scope}:{asker}") <= settings.API_REQUESTS_PER_MINUTE[scope]

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE

    def _asker(self, request: Request, view: Any) -> tuple[str, str]:
        if view.scope == "person" and request.user.is_authenticated:
            return "person", str(request.user.pk)
        # The server's word, not a header that anybody may send.
        return ("anonymous" if view.scope == "person" else view.scope), str(request.META.get("REMOTE_ADDR", ""))


def counted(name: str) -> int:
    """How often it was asked for in this minute, this time included."""
    key = f"{name}:{int(time.time() // MINUTE)}"
    try:
        cache.add(key, 0, 2 * MINUTE)
        return cache.incr(key)
    except Exception as error:  # noqa: BLE001 - whatever the cache's driver raises: better unthrottled than closed
        log.warning("requests are not counted: the cache does not answer (%s)", error)
        return 0
