"""What Celery's messages ask for."""

from __future__ import annotations

from celery import shared_task

from rasax.accounts.jobs import Job


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def run_job(pk: str) -> None:
    Job.objects.run(pk)
