"""The lease of a job that works for long in one transaction: what it writes itself, nobody sees until the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from events import live
from rasax.accounts.jobs import LEASE, Job

EVERY = 5.0  # seconds; work that takes less needs none


@contextmanager
def renewed(job: Job) -> Iterator[None]:
    """Meanwhile a thread with a connection of its own renews the lease, and tells how far `job.done` is. Where the
    transaction keeps all others from writing (SQLite), nobody can take the job over either."""
    over = Event()
    thread = Thread(target=_renew, args=(job, over), name="lease-of-a-job", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(job: Job, over: Event) -> None:
    held = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)
    while not over.wait(EVERY):
        with suppress(DatabaseError, InterfaceError):
            held.update(done=job.done, total=job.total, lease_until=timezone.now() + LEASE)
            live.announce({job.topic})
    connection.close()
