"""Names that stand in much of the training data, changed by a worker: thousands of stories and examples are not
rewritten while a page waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import UNENDED, Failed, Job, runs
from rasax.accounts.leases import renewed
from rasax.training import intents, names
from rasax.training.access import CHANGE, CHANGE_ALL
from rasax.training.changes import Change
from rasax.training.files import Block, Mention
from rasax.training.formats.errors import Refused
from rasax.training.progress import told_to
from rasax.training.telling import sentence

if TYPE_CHECKING:
    from rasax.accounts.models import User

RENAME = "training.rename"
LARGE = 200_000  # characters of the blocks that name it; below it a page does not take a second
PARTS = 4  # edits worked out, applied, stored, indexed
NOT_ALLOWED = gettext_noop("This changes training data, stories and responses; you may not change all of them.")


def is_large(kind: str, old: str, new: str) -> bool:
    """What has the old name is rewritten; where two are merged, what has the new one too."""
    mentions = Mention.objects.filter(kind=kind, name__in=(old, new))
    found = Block.objects.filter(pk__in=mentions.values("block")).aggregate(size=Sum(Length("text")))
    return (found["size"] or 0) > LARGE


def ask(kind: str, old: str, new: str, by: User, merge: bool = False) -> Job:
    """The one that is under way, where somebody asks twice."""
    said: dict[str, Any] = {"of": kind, "old": old, "new": new, "merge": merge}
    running = Job.objects.filter(kind=RENAME, state__in=UNENDED, arguments=said).first()
    return running or Job.objects.ask(RENAME, by, **said)


def says(job: Job) -> str:
    said = {"old": str(job.arguments["old"]), "new": str(job.arguments["new"])}
    if job.state == Job.State.DONE:
        return _("“%(old)s” is “%(new)s” now, everywhere.") % said
    return _("Renaming “%(old)s” to “%(new)s”.") % said


@runs(RENAME, needs=CHANGE, says=says)
def run(job: Job) -> None:
    if job.by is None or not job.by.has_perms(CHANGE_ALL):
        raise Failed(NOT_ALLOWED)
    if "change" in job.result:  # its worker died after that
        return
    job.step(0)
    try:
        with renewed(job), told_to(job, PARTS), transaction.atomic():
            change = _renamed(job)
            job.step(job.total or 0, change=change.pk if change else None)
    except Refused as refused:
        raise Failed(sentence(refused)) from refused


def _renamed(job: Job) -> Change | None:
    """Raises Refused."""
    kind, old, new = (str(job.arguments[key]) for key in ("of", "old", "new"))
    if kind == Mention.Kind.INTENT:
        return intents.rename_intent(old, new, job.by, merge=bool(job.arguments["merge"]))
    return names.rename(kind, old, new, job.by)
