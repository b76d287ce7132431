"""What is decided on all texts that match, as a job that can be undone.

Each chunk is one transaction with the note of what it did. A job that is begun again after its worker died finds only
what is left, since what was decided on does not match any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import ngettext

from rasax.accounts.jobs import Failed, Job, runs
from rasax.accounts.models import User
from rasax.annotation.annotating import accept, put_aside, put_back
from rasax.annotation.decisions import Decision
from rasax.annotation.inbox import InboxMessage
from rasax.annotation.selection import Selection
from rasax.annotation.taking_back import take_back
from rasax.conversations.changing import number_shown, with_progress
from rasax.training.formats.errors import Refused

DECIDE, UNDO = "annotation.decide", "annotation.undo"
CHANGE = "accounts.change_nlu_data"
CHUNK = 500
State = InboxMessage.State


def _accept(pks: Sequence[int], by: User, job: Job) -> list[int]:
    outcome = accept(pks, by, job)
    return [*outcome.done, *outcome.proposed]


ACTIONS: dict[str, Callable[[Sequence[int], User, Job], list[int]]] = {
    "accept": _accept,
    "skip": lambda pks, by, job: put_aside(pks, State.SKIPPED, by, job),
    "delete": lambda pks, by, job: put_aside(pks, State.DELETED, by, job),
    "put_back": put_back,
}


def _says(job: Job) -> str:
    number, left = int(job.result.get("changed", 0)), int(job.result.get("left", 0))
    match job.arguments.get("action"):
        case "accept":
            said = ngettext("Accepted %s text.", "Accepted %s texts.", number)
        case "skip":
            said = ngettext("Skipped %s text.", "Skipped %s texts.", number)
        case "delete":
            said = ngettext("Deleted %s text.", "Deleted %s texts.", number)
        case _:
            said = ngettext("Put %s text back.", "Put %s texts back.", number)
    said = with_progress(job, said % number_shown(number))
    others = ngettext(
        "%s stays: no intent was predicted, or the data does not take it.",
        "%s stay: no intent was predicted, or the data does not take them.",
        left,
    )
    return f"{said} {others % number_shown(left)}" if left and job.ended else said


def _says_undone(job: Job) -> str:
    number, left = int(job.result.get("changed", 0)), int(job.result.get("left", 0))
    said = ngettext("%s text is as it was.", "%s texts are as they were.", number) % number_shown(number)
    others = ngettext("%s stays: it was changed since.", "%s stay: they were changed since.", left)
    return f"{said} {others % number_shown(left)}" if left else said


@runs(DECIDE, needs=CHANGE, says=_says, undone_by=UNDO)
def decide(job: Job) -> None:
    pks = Selection.of(job.arguments).pks()
    number, left = int(job.result.get("changed", 0)), 0
    total = number + len(pks)
    job.step(number, total)
    for start in range(0, len(pks), CHUNK):
        chunk = pks[start : start + CHUNK]
        with transaction.atomic():
            done = len(_do(chunk, job))
            number, left = number + done, left + len(chunk) - done
            job.step(number + left, total, changed=number, left=left)


def _do(chunk: Sequence[int], job: Job) -> list[int]:
    """All that the data takes; halves the chunk around what it refuses. Raises Failed where it takes nothing."""
    done, refused = _halved(chunk, job)
    if refused and not done and len(chunk) > 1:
        raise Failed(refused.message)
    return done


def _halved(chunk: Sequence[int], job: Job) -> tuple[list[int], Refused | None]:
    if job.by is None:
        return [], None
    try:
        with transaction.atomic():
            return ACTIONS[job.arguments["action"]](chunk, job.by, job), None
    except Refused as error:
        refused = error
    if len(chunk) == 1:
        return [], refused
    halves = [_halved(half, job) for half in (chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :])]
    return [pk for done, _ in halves for pk in done], refused


@runs(UNDO, needs=CHANGE, says=_says_undone)
def undo(job: Job) -> None:
    decisions = Decision.objects.filter(job=job.arguments["job"])
    number, left = int(job.result.get("changed", 0)), int(job.result.get("left", 0))
    total = number + left + sum(len(messages) for messages in decisions.values_list("messages", flat=True))
    while decision := decisions.first():
        with transaction.atomic():
            many = len(decision.messages)
            back = _undo(decision, job.by)
            number, left = number + back, left + many - back
            job.step(number + left, total, changed=number, left=left)


def _undo(decision: Decision, by: User | None) -> int:
    try:
        with transaction.atomic():
            return take_back(decision, by)
    except Refused:
        return take_back(decision, by, by_example=True)
