"""Filters that name somebody who is forgotten: in saved views, in jobs, in the audit log.

They are looked for while it is still known who else they would find, once for all who are forgotten together, and
cleaned when those are gone, for who runs a job locks its row last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qsl

from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet

from events.models import Conversation, ConversationFacet, Event, Facet
from events.search import are_rare, saying, sent_by
from rasax.accounts.models import AuditEntry, Job, User
from rasax.conversations.saved import SavedView

LONG_ENOUGH = 6  # characters that mean nobody else where they turn up
RARE = 1_000  # events; words that more of them say name nobody
TOLD_OF = (Job._meta.label_lower, SavedView._meta.label_lower)  # of these the audit log tells the filters


class Names:
    """What names these people, while their conversations are kept; what it said once it goes on saying."""

    def __init__(self, found: Iterable[Conversation]) -> None:
        self.senders = {each.sender_id: each.pk for each in found}
        self.long = [sender_id.casefold() for sender_id in self.senders if len(sender_id) >= LONG_ENOUGH]
        self.are_in, self.are_filtered_by = cache(self._are_in), cache(self._are_filtered_by)
        self.alone_have = cache(self._alone_have)

    def _are_in(self, text: str) -> bool:
        """Whether a whole sender_id is."""
        text = text.casefold()
        return any(sender_id in text for sender_id in self.long)

    def _are_filtered_by(self, query: str) -> bool:
        return any(self.are_in(value) or self.alone_have(kind, value) for kind, value in parse_qsl(query))

    def are_whole_in(self, query: str) -> bool:
        return any(self.are_in(value) for _, value in parse_qsl(query))

    def are_told_in(self, text: str) -> bool:
        return self.are_in(text) or self.are_filtered_by(text)

    def _alone_have(self, kind: str, value: str) -> bool:
        """Whether this part of a filter finds them, and nobody else."""
        rows, column = self._found_by(kind, value)
        theirs = {f"{column}__in": list(self.senders.values())}
        return rows.filter(**theirs).exists() and not rows.exclude(**theirs).exists()

    def _found_by(self, kind: str, value: str) -> tuple[QuerySet[Any], str]:
        if kind == "sender" and (value in self.senders or self._is_long_beginning(value)):
            return Conversation.objects.filter(sent_by(value)).order_by(), "pk"
        if kind == Facet.Kind.SLOT_VALUE and len(value.partition("=")[2]) >= LONG_ENOUGH:
            links = ConversationFacet.objects.filter(facet__kind=Facet.Kind.SLOT_VALUE, facet__value=value)
            return links, "conversation"
        if kind == "q" and len(value) >= LONG_ENOUGH and are_rare(value, RARE):
            return Event.objects.filter(saying(value)).order_by(), "conversation"
        return Conversation.objects.none(), "pk"

    def _is_long_beginning(self, value: str) -> bool:
        return len(value) >= LONG_ENOUGH and any(sender_id.startswith(value) for sender_id in self.senders)


@dataclass(frozen=True)
class Mentions:
    """The rows that name them, by id."""

    names: Names
    views: list[int]
    jobs: list[Any]
    entries: list[int]

    @classmethod
    def of(cls, found: Iterable[Conversation], by: User | None) -> Self:
        """Of the retention, which is nobody, a view goes only if it names them in full: it may find others tomorrow."""
        names = Names(found)
        shows = names.are_filtered_by if by else names.are_whole_in
        views = SavedView.objects.order_by().values_list("pk", "name", "query")
        return cls(
            names,
            [pk for pk, name, query in views if names.are_in(name) or shows(query)],
            [pk for pk, *texts in _jobs() if any(names.are_told_in(text) for text in texts if text)],
            [pk for pk, *texts in _entries() if any(names.are_told_in(text) for text in texts)],
        )

    def clean(self, by: User | None) -> None:
        self._delete_views(by)
        for job in Job.objects.filter(pk__in=self.jobs).order_by("pk").select_for_update():
            self._clean_job(job)
        entries = list(AuditEntry.objects.filter(pk__in=self.entries))
        for entry in entries:
            entry.object_name = self._cleaned(entry.object_name)
            entry.detail = {name: self._cleaned(value) for name, value in entry.detail.items()}
        AuditEntry.objects.bulk_update(entries, ["object_name", "detail"], batch_size=500)

    def _delete_views(self, by: User | None) -> None:
        views = SavedView.objects.filter(pk__in=self.views)
        AuditEntry.objects.note(by, "deleted a view", views, why="forgot")
        AuditEntry.objects.forget(SavedView, self.views)
        views.delete()
        logged = LogEntry.objects.filter(content_type__app_label="conversations").values_list("pk", "object_repr")
        named = [pk for pk, name in logged if self.names.are_in(name)]
        LogEntry.objects.filter(pk__in=named).update(object_repr="")

    def _clean_job(self, job: Job) -> None:
        """One that has not ended goes on with whom its filters still find."""
        from rasax.conversations.selection import Selection

        if self.names.are_told_in(job.arguments.get("query") or ""):
            left = [] if job.ended else [pk for chunk in Selection.of(job.arguments).chunks() for pk in chunk]
            job.arguments = {**job.arguments, **Selection(tuple(left)).arguments}
        job.message, job.log = self._cleaned(job.message), self._cleaned(job.log)
        job.save(update_fields=["arguments", "message", "log"])

    def _cleaned(self, value: Any) -> Any:
        return "" if isinstance(value, str) and self.names.are_told_in(value) else value


def _jobs() -> Iterable[tuple[Any, ...]]:
    return Job.objects.order_by().values_list("pk", "arguments__query", "message", "log")


def _entries() -> Iterable[list[Any]]:
    rows = AuditEntry.objects.filter(object_type__in=TOLD_OF).order_by().values_list("pk", "object_name", "detail")
    for pk, name, detail in rows.iterator():
        yield [pk, name, *(value for value in detail.values() if isinstance(value, str))]
