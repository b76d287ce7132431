"""How far a change is that takes long, told to the job that makes it. Where there is none, nobody is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from rasax.accounts.jobs import Job

SHARE = 1000  # what one of several parts of a work counts


@dataclass
class _Told:
    """The job's numbers are set and not saved: `renewed` tells them to others, for this is inside a transaction."""

    job: Job
    share: int
    base: int
    whole: int = 0
    done: int = 0

    def begin(self, whole: int) -> None:
        self.base += self.share if self.whole else 0
        self.whole, self.done = max(whole, 1), 0

    def step(self, number: int) -> None:
        self.done += number
        far = self.base + self.share * min(self.done, self.whole) // max(self.whole, 1)
        self.job.done = max(min(far, self.job.total or far), self.job.done)


_told: ContextVar[_Told | None] = ContextVar("told", default=None)


@contextmanager
def told_to(job: Job, parts: int, share: int = SHARE) -> Iterator[None]:
    """Of a work of so many parts, each about as long as the next, after what the job has done by now."""
    job.total = job.done + parts * share
    token = _told.set(_Told(job, share, job.done))
    try:
        yield
    finally:
        _told.reset(token)


def begin(whole: int) -> None:
    """The next part, of so many steps."""
    if told := _told.get():
        told.begin(whole)


def step(number: int = 1) -> None:
    if told := _told.get():
        told.step(number)
