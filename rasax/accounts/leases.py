"""The lease of a job that works for long in one transaction: what it writes itself, nobody sees until the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from events import live
from rasax.accounts.jobs import LEASE, Job

EVERY = 1.0  # seconds; work that takes less needs none


@contextmanager
def renewed(job: Job) -> Iterator[None]:
    """Meanwhile a thread with a connection of its own renews the lease, and tells how far `job.done` is. Where the
    transaction keeps all others from writing (SQLite), nobody can take the job over either, and how far it is stands in
    a file beside the database."""
    over = Event()
    thread = Thread(target=_renew, args=(job, over), name="lease-of-a-job", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if file := _beside(job.pk):
            file.unlink(missing_ok=True)


def _renew(job: Job, over: Event) -> None:
    file = _beside(job.pk)
    held = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)
    if file:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 100")  # milliseconds: the file is what matters then
    while not over.wait(EVERY):
        if file:
            file.write_text(f"{job.done} {job.total or 0}")
        with suppress(DatabaseError, InterfaceError):
            held.update(done=job.done, total=job.total, lease_until=timezone.now() + LEASE)
            live.announce({job.topic})
    connection.close()


def _beside(pk: UUID) -> Path | None:
    """Where web and worker share a file that is their database, and nobody else can write to it meanwhile."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(f"{connection.settings_dict['NAME']}.job-{pk}")


def told_beside(job: Job) -> bool:
    """Whether this job tells how far it is in a file; if so, takes its numbers from there."""
    file = _beside(job.pk) if job.state == Job.State.RUNNING else None
    if file is None:
        return False
    with suppress(OSError, ValueError):
        done, total = map(int, file.read_text().split())
        job.done, job.total = done, total or None
    return True
