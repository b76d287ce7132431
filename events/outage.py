"""A server that one can do without, while it does not answer: it is asked again by one of us each few seconds."""

from __future__ import annotations

import time
from threading import Lock

import structlog

RETRY_EVERY = 3.0  # seconds

log = structlog.get_logger(__name__)


class Outage:
    """Of one server, as this process sees it. Begins with `began`, ends with `ended`."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._lock = Lock()
        self._again = 0.0  # when it may be asked next; 0 while it answers

    def lasts(self) -> bool:
        """Whether to do without it. Who hears no asks it, and says what came of that; the others do without."""
        if not self._again:
            return False
        with self._lock:
            now = time.monotonic()
            if now < self._again:
                return True
            self._again = now + RETRY_EVERY
            return False

    def began(self, why: object) -> None:
        self._again = time.monotonic() + RETRY_EVERY
        log.warning(f"{self.server} is not used for {RETRY_EVERY:.0f} s", why=str(why).strip())

    def ended(self) -> None:
        if self._again:
            self._again = 0.0
            log.info(f"{self.server} is used again")
