"""What somebody decided in the inbox, taken back: one decision, or those of a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from events import live
from rasax.accounts.models import AuditEntry, User
from rasax.annotation.annotating import decide
from rasax.annotation.decisions import Decision, Opinion
from rasax.annotation.inbox import TOPIC, InboxMessage, by_digest
from rasax.annotation.reading import writable
from rasax.training import texts
from rasax.training.changes import Change
from rasax.training.files import Example
from rasax.training.intents import remove_examples
from rasax.training.projects import Project

TAKEN_BACK = timedelta(days=1)  # so long somebody may mean it


@transaction.atomic
def undo(by: User) -> Decision | None:
    """Takes back what this person did last, but for jobs. Raises Refused where its lines changed since."""
    with Project.objects.default().held():
        last = Decision.objects.filter(by=by, job=None, at__gt=timezone.now() - TAKEN_BACK).first()
        if last is not None:
            take_back(last, by)
        return last


def take_back(decision: Decision, by: User | None, by_example: bool = False) -> int:
    """Returns of how many texts; not of those on which somebody decided since.

    Raises Refused where lines of the training data changed since, and then nothing is changed; `by_example` takes the
    examples that are still there out of it instead.
    """
    with Project.objects.default().held():
        rows = list(by_digest().select_for_update().filter(pk__in=decision.messages))
        mine = [row for row in rows if _is_as_left(row, decision)]
        if by_example:
            _take_out(mine, by)
        else:
            _undo_changes(decision, by)
        Opinion.objects.filter(message__in=rows, by=decision.by).delete()
        decide(mine, decision.before, None if decision.before == InboxMessage.State.NEW else decision.by)
        AuditEntry.objects.note(by, "undid in the inbox", mine, verb=decision.verb)
        decision.delete()
        live.announce({TOPIC})
        return len(mine)


def _is_as_left(row: InboxMessage, decision: Decision) -> bool:
    """Nobody decided on it since."""
    by = None if decision.left_in == InboxMessage.State.NEW else decision.by_id
    return row.state == decision.left_in and row.by_id == by


def _undo_changes(decision: Decision, by: User | None) -> None:
    for pk in reversed(decision.changes):
        if change := Change.objects.filter(pk=pk, undone_by=None).first():
            change.undo(by)


def _take_out(rows: Sequence[InboxMessage], by: User | None) -> None:
    wanted = {(texts.digest(writable(row.text)), row.annotated_as) for row in rows}
    found = Example.objects.filter(digest__in=[digest for digest, _ in wanted])
    if taught := [each for each in found if (each.digest, each.intent) in wanted]:
        remove_examples(taught, by)
