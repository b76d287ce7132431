"""What Celery's messages ask for."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from events.partitions.tables import renew_statistics
from rasax.accounts.jobs import Job


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def run_job(pk: str) -> None:
    Job.objects.run(pk)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def clear_sessions() -> None:
    """Of people who never signed out."""
    call_command("clearsessions")


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def renew_event_statistics() -> None:
    """Asked for each night, done each month."""
    renew_statistics()
