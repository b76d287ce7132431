"""What Rasa X called the DB cache: answers of the database that are costly and asked for often, kept for a while.

`answer` is all there is to it. An answer is kept with the stamp (events/stamps.py) that it was computed under. While
nothing was committed since, it is good for a minute; after new events, for a few seconds; after somebody was deleted,
not at all. Where the cache does not answer, everything is computed: slower, and never wrong.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache

from events import replica, stamps
from events.models import key_of
from events.monitoring import metrics
from events.stamps import Stamp

LASTS = 60  # seconds: bounds how long a change that is not ours, made by SQL, can stay hidden
FRESH = 2.0  # seconds for which nobody asks again, whatever arrives
STALE = 4.0  # seconds for which it is given while one of us asks again; it is under 5 s old when it is sent
WAITS = 2.0  # seconds for another's answer: to compute it, too, would take longer still
COMPUTING = 10  # seconds after which somebody else may begin


def answer(entry: str, question: Any, compute: Callable[[], Any], *, of_marks: bool = False) -> Any:
    """What `compute` gives, or gave a few seconds ago; with `of_marks`, never from before anybody's latest tag, review
    or other mark.

    `entry` says what is asked, `question` of what. It must depend on nothing but these and what is kept of
    conversations. Question and answer are what JSON can
    carry: a tuple may come back as a list.
    """
    asking = Asking([entry, question], of_marks, stamps.read())
    found = cache.get(asking.key)
    known = asking.age(found) <= FRESH
    metrics.cache_asked(entry, known=known)
    if known:
        return found["answer"]
    if cache.add(asking.turn, 1, COMPUTING):
        return asking.compute(compute)
    found = asking.wait(found)
    return found["answer"] if found else asking.compute(compute)


class Asking:
    """A question at one moment."""

    def __init__(self, question: Any, of_marks: bool, now: Stamp) -> None:
        # Hashed: questions hold words that somebody searched for.
        self.key = f"db-cache:{settings.VERSION}:{key_of(json.dumps([question, of_marks], sort_keys=True)).hex}"
        self.now = now
        self.since = f"{now.forgotten}:{now.marks}" if of_marks else f"{now.forgotten}"  # nothing older will do
        self.turn = f"{self.key}:{self.since}"

    def age(self, found: Any) -> float:
        """Seconds for which this may have been wrong; without end where it must not be given."""
        if not found or found["since"] != self.since:
            return float("inf")
        return 0.0 if found["events"] == self.now.events else self.now.at - float(found["at"])

    def wait(self, found: Any) -> Any:
        """What somebody else computes just now, or what they are about to replace; None if that takes too long."""
        began, waited = time.monotonic(), 0.0
        while self.age(found) + waited > STALE:
            if waited > WAITS:
                return None
            time.sleep(0.02)
            found, waited = cache.get(self.key), time.monotonic() - began
        return found

    def compute(self, compute: Callable[[], Any]) -> Any:
        try:
            answer, of = replica.read_as_of(self.now, compute)
            kept = {"since": self.since, "events": of.events, "at": of.at, "answer": answer}
            cache.set(self.key, kept, LASTS)
        finally:
            cache.delete(self.turn)
        return answer
