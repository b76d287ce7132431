"""Large changes taken back by a worker: an import of many examples is not undone while a page waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast, Length
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import UNENDED, Failed, Job, runs
from rasax.accounts.leases import renewed
from rasax.training.access import VIEW, may_undo
from rasax.training.changes import Change
from rasax.training.formats.errors import Refused
from rasax.training.progress import told_to

if TYPE_CHECKING:
    from rasax.accounts.models import User

UNDO = "training.undo"
LARGE = 400_000  # characters of what it changed; below it a page does not take a second
PARTS = 3  # edits taken back, stored, indexed
NOT_ALLOWED = gettext_noop("This change is somebody else’s; only who may change all training data can undo it.")


def is_large(change: Change) -> bool:
    size = Change.objects.filter(pk=change.pk).annotate(size=Length(Cast("edits", TextField())))
    return bool(size.filter(size__gt=LARGE).exists())


def ask(change: Change, by: User) -> Job:
    running = Job.objects.filter(kind=UNDO, state__in=UNENDED, arguments__change=change.pk).first()
    return running or Job.objects.ask(UNDO, by, change=change.pk)


def says(job: Job) -> str:
    return _("A large change was undone.") if job.state == Job.State.DONE else _("Undoing a large change.")


@runs(UNDO, needs=VIEW, says=says)
def run(job: Job) -> None:
    change = Change.objects.filter(pk=job.arguments["change"]).first()
    if change is None or job.by is None or not may_undo(job.by, change):
        raise Failed(NOT_ALLOWED)
    job.step(0)
    try:
        with renewed(job), told_to(job, PARTS), transaction.atomic():
            undoing = change.undo(job.by)
            job.step(job.total or 0, change=undoing.pk)
    except Refused as refused:
        where = f"{refused.path}: " if refused.path else ""
        raise Failed(" ".join(part for part in (where + _(refused.message), refused.words) if part)) from refused
