"""Looking, pulling and pushing as jobs, since a git server may take its time; and pulls by the clock."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from rasax.accounts.jobs import NOBODYS, UNENDED, Cancelled, Failed, Job, runs
from rasax.accounts.leases import renewed
from rasax.accounts.sweeping import chore
from rasax.training.access import CHANGE, CHANGE_ALL
from rasax.training.formats.errors import Refused
from rasax.training.git.failures import GitFailed
from rasax.training.models import GitRepository

LOOK, PULL, PUSH = "training.git_look", "training.git_pull", "training.git_push"
BY_THE_CLOCK = "training.git_pull_by_the_clock"
KINDS = (LOOK, PULL, PUSH, BY_THE_CLOCK)

GONE = gettext_noop("The repository is no longer connected.")
NOT_ALLOWED = gettext_noop("This changes training data, stories and responses; you may not change all of them.")


def latest() -> models.QuerySet[Job]:
    return Job.objects.filter(kind__in=KINDS).select_related("by")


def _repository(job: Job) -> GitRepository:
    if job.by is None or not job.by.has_perms(CHANGE_ALL):
        raise Failed(NOT_ALLOWED)
    found = GitRepository.objects.first()
    if found is None:
        raise Failed(GONE)
    return found


def _failed(error: GitFailed | Refused) -> Failed:
    """In the words of the server, too: nobody can mend what they are not told."""
    where = f"{error.path}:{error.line} " if isinstance(error, Refused) and error.path else ""
    return Failed(" ".join(part for part in (f"{where}{_(error.message)}", error.words) if part))


def _pulled(job: Job) -> str:
    if "taken" not in job.result:
        return _("Pulling from git.")
    taken = int(job.result["taken"])
    said = str(ngettext("%s file came from git.", "%s files came from git.", taken) % taken)
    if conflicts := job.result.get("conflicts"):
        said += " " + ngettext("%s conflict is to be solved.", "%s conflicts are to be solved.", conflicts) % conflicts
    return said


def _pushed(job: Job) -> str:
    if "commit" not in job.result:
        return _("Pushing to git.")
    said = {"branch": str(job.result["branch"]), "commit": str(job.result["commit"])[:10]}
    return _("Pushed to %(branch)s as %(commit)s.") % said


@runs(LOOK, needs=CHANGE, says=lambda job: _("Looking at the git repository."))
def look(job: Job) -> None:
    from rasax.training import syncing

    repository = _repository(job)
    job.step(0)
    try:
        with renewed(job):
            syncing.look(repository)
    except GitFailed as error:
        raise _failed(error) from error


@runs(PULL, needs=CHANGE, says=_pulled)
def pull(job: Job) -> None:
    _pull(job, _repository(job))


def _pull(job: Job, repository: GitRepository) -> None:
    from rasax.training import syncing

    job.step(0)
    try:
        with renewed(job):
            outcome = syncing.pull(repository, job.by)
    except (GitFailed, Refused) as error:
        raise _failed(error) from error
    taken = len(outcome.taken) + len(outcome.removed)
    job.step(1, 1, taken=taken, conflicts=len(outcome.conflicts))


@runs(PUSH, needs=CHANGE, says=_pushed)
def push(job: Job) -> None:
    from rasax.training import syncing

    repository = _repository(job)
    job.step(0)
    branch, message = job.arguments.get("branch", ""), job.arguments.get("message", "")
    try:
        with renewed(job):
            commit = syncing.push(repository, branch, message, job.by) if job.by else ""
    except (GitFailed, Refused) as error:
        raise _failed(error) from error
    job.step(1, 1, commit=commit, branch=branch or repository.branch)


NOBODYS[BY_THE_CLOCK] = gettext_lazy("the schedule")


@runs(BY_THE_CLOCK, says=_pulled)
def pull_as_scheduled(job: Job) -> None:
    """One that brought nothing leaves no row, and one that says what the last one said takes its place."""
    repository = GitRepository.objects.first()
    if repository is None:
        raise Failed(GONE)
    last = Job.objects.filter(kind=BY_THE_CLOCK, ended_at__isnull=False).first()
    try:
        _pull(job, repository)
    except Failed as failure:
        if last is not None and last.message == str(failure):
            last.delete()
        raise
    if not job.result["taken"] and not job.result["conflicts"]:
        Job.objects.filter(pk=job.pk).delete()
        raise Cancelled
    if (
        last is not None
        and not job.result["taken"]
        and last.result == {**job.result, "taken": last.result.get("taken")}
    ):
        last.delete()


@chore
def pull_by_the_clock() -> None:
    """One worker asks for it, whoever comes first; not while the pull before is still under way."""
    now = timezone.now()
    for repository in GitRepository.objects.filter(pull_after__lte=now, is_merged=True):
        again = now + timedelta(minutes=repository.pull_every)
        due = GitRepository.objects.filter(pk=repository.pk, pull_after__lte=now)
        if due.update(pull_after=again) and not Job.objects.filter(kind=BY_THE_CLOCK, state__in=UNENDED).exists():
            Job.objects.ask(BY_THE_CLOCK, None)
