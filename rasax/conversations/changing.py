"""What can be done to many conversations at once, and how that is undone.

Each chunk is one transaction with the note of what it changed, so that a job which is begun again after its worker died
goes on, and neither changes nor notes anything twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.models import Conversation
from events.querysets import ConversationQuerySet
from rasax.accounts.jobs import Failed, Job, runs
from rasax.accounts.models import User
from rasax.conversations import forgetting
from rasax.conversations.bulk import BulkChange
from rasax.conversations.models import Assignment, Review, Tag
from rasax.conversations.selection import Selection

CHANGE, UNDO, FORGET = "conversations.change", "conversations.undo", "conversations.forget"
CHUNK = 1000
ANNOTATE, DELETE = "conversations.annotate_conversation", "events.delete_conversation"

Before = Mapping[int, str]  # by conversation


@dataclass(frozen=True)
class Change:
    """`do` changes conversations and returns how they were before. Of those that it changed for a person, `untouched`
    are those that nobody changed since; `back` gives these their old value, and returns how many had another."""

    do: Callable[[ConversationQuerySet, str, User | None], Before]
    untouched: Callable[[Before, str, User | None], set[int]]
    back: Callable[[ConversationQuerySet, str, str, User | None], int]


def _move_tag(conversations: ConversationQuerySet, name: str, on: bool, by: User | None) -> Before:
    with suppress(Tag.DoesNotExist):
        return dict.fromkeys(Tag.objects.select_related("facet").get(facet__value=name).move(conversations, on, by), "")
    raise Failed(_("The tag “%s” is gone. Make it again, then start again.") % name)


def _change_tag(on: bool) -> Change:
    return Change(
        lambda conversations, name, by: _move_tag(conversations, name, on, by),
        lambda before, name, by: set(before) if Tag.objects.filter(facet__value=name).exists() else set(),
        lambda conversations, old, name, by: len(_move_tag(conversations, name, not on, by)),
    )


def _assign(conversations: ConversationQuerySet, assignee: str, by: User | None) -> Before:
    return Assignment.objects.change(conversations, User.objects.filter(pk=int(assignee or 0)).first(), by)


def _still_assigned(before: Before, assignee: str, by: User | None) -> set[int]:
    kept = Assignment.objects.filter(conversation__in=before)
    if not assignee:
        return before.keys() - set(kept.values_list("pk", flat=True))
    return set(kept.filter(assignee=int(assignee), by=by).values_list("pk", flat=True))


def _still_marked(before: Before, status: str, by: User | None) -> set[int]:
    kept = Review.objects.filter(conversation__in=before, status=status, by=by)
    return set(kept.values_list("pk", flat=True))


def _by_value(before: Before, pks: Iterable[int]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for pk in pks:
        groups[before[pk]].append(pk)
    return groups


def _those(pks: Iterable[int]) -> ConversationQuerySet:
    return Conversation.objects.filter(pk__in=list(pks))


CHANGES = {
    "tag": _change_tag(on=True),
    "untag": _change_tag(on=False),
    "status": Change(
        Review.objects.change, _still_marked, lambda those, old, _, by: Review.objects.mark(those, old, by)
    ),
    "assign": Change(_assign, _still_assigned, lambda those, old, _, by: len(_assign(those, old, by))),
}


def number_shown(number: int | None) -> str:
    return str(number_format(number or 0, force_grouping=True))


def _says(job: Job) -> str:
    number, value = int(job.result.get("changed", 0)), str(job.arguments.get("value", ""))
    match job.arguments.get("action"):
        case "tag":
            said = ngettext("Tagged %(n)s conversation “%(value)s”.", "Tagged %(n)s conversations “%(value)s”.", number)
        case "untag":
            said = ngettext(
                "Took “%(value)s” off %(n)s conversation.", "Took “%(value)s” off %(n)s conversations.", number
            )
        case "assign":
            said = ngettext("Assigned %(n)s conversation.", "Assigned %(n)s conversations.", number)
        case _:
            value = str(Review.Status(value).label)
            said = ngettext("%(value)s: %(n)s conversation.", "%(value)s: %(n)s conversations.", number)
    return with_progress(job, said % {"n": number_shown(number), "value": value})


def with_progress(job: Job, said: str) -> str:
    if job.state == Job.State.DONE or not job.total:
        return said
    seen = _("%(done)s of %(total)s looked at.") % {"done": number_shown(job.done), "total": number_shown(job.total)}
    return f"{said} {seen}"


def _says_undone(job: Job) -> str:
    number, left = int(job.result.get("changed", 0)), int(job.result.get("left", 0))
    said = ngettext("Undone in %s conversation.", "Undone in %s conversations.", number) % number_shown(number)
    if not left:
        return said
    others = ngettext(
        "%s was changed since, and is left as it is.", "%s were changed since, and are left as they are.", left
    )
    return f"{said} {others % number_shown(left)}"


def _says_deleted(job: Job) -> str:
    number = int(job.result.get("deleted", 0))
    said = ngettext("Deleted %s conversation for good.", "Deleted %s conversations for good.", number)
    return with_progress(job, said % number_shown(number))


@runs(CHANGE, needs=ANNOTATE, says=_says, undone_by=UNDO)
def change(job: Job) -> None:
    selection, action, value = Selection.of(job.arguments), job.arguments["action"], job.arguments["value"]
    seen, number, total = 0, job.changes.count(), selection.count()
    job.step(0, total)
    for pks in selection.chunks(CHUNK):
        with transaction.atomic():
            # What an earlier attempt changed may have been changed again by somebody since.
            mine = job.changes.filter(conversation__in=pks).values_list("conversation", flat=True)
            before = CHANGES[action].do(_those(set(pks).difference(mine)), value, job.by)
            changes = [BulkChange(job=job, conversation_id=pk, before=old) for pk, old in before.items()]
            BulkChange.objects.bulk_create(changes)
            seen, number = seen + len(pks), number + len(before)
            job.step(min(seen, total), total, changed=number)


@runs(UNDO, needs=ANNOTATE, says=_says_undone)
def undo(job: Job) -> None:
    undone = Job.objects.select_related("by").get(pk=job.arguments["job"])
    number, left = int(job.result.get("changed", 0)), int(job.result.get("left", 0))
    total = number + left + undone.changes.count()
    while before := dict(undone.changes.order_by("pk").values_list("conversation", "before")[:CHUNK]):
        with transaction.atomic():
            back = _undo(undone, before, job.by)
            undone.changes.filter(conversation__in=before).delete()
            number, left = number + back, left + len(before) - back
            job.step(number + left, total, changed=number, left=left)


def _undo(undone: Job, before: Before, by: User | None) -> int:
    """Returns how many of these are again as they were before."""
    list(_those(before).order_by("key").select_for_update().values_list("pk"))
    change, value = CHANGES[undone.arguments["action"]], undone.arguments["value"]
    groups = _by_value(before, change.untouched(before, value, undone.by))
    return sum(change.back(_those(pks), old, value, by) for old, pks in groups.items())


@runs(FORGET, needs=DELETE, says=_says_deleted)
def forget(job: Job) -> None:
    selection, number = Selection.of(job.arguments), int(job.result.get("deleted", 0))
    total = number + selection.count()
    job.step(number, total)
    for pks in selection.chunks(forgetting.AT_ONCE):
        with transaction.atomic():
            number += forgetting.forget(_those(pks), job.by)
            job.step(min(total, number), total, deleted=number)
