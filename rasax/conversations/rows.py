"""The rows of the list: each conversation with what people put on it, in the query that finds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Aggregate, OuterRef, Subquery, TextField
from django.utils.translation import gettext as _

from events.models import Conversation, ConversationFacet, Facet
from rasax.conversations.filters import Filters, Position
from rasax.conversations.finding import Conversations, Finding, Order
from rasax.conversations.menus import Choice, Menus
from rasax.conversations.models import Review
from rasax.conversations.wording import UNSURE, ago, percent, timestamp

PAGE = 50
TAGS = 3  # of a row; of more, the number is said


@dataclass
class Row:
    conversation: Any  # with the reviewer and the marks of `_with_marks`
    tags: list[Choice] = field(default_factory=list)
    flagged: bool = False
    corrected: bool = False
    environments: list[str] = field(default_factory=list)
    assignee_id: int | None = None
    status: str = Review.Status.UNREAD

    @property
    def id(self) -> str:
        return str(self.conversation.pk)

    @property
    def sender(self) -> str:
        return str(self.conversation)

    @property
    def time(self) -> str:
        return timestamp(self.conversation.latest_event_time)

    @property
    def ago(self) -> str:
        return ago(self.conversation.latest_event_time)

    @property
    def sure(self) -> str:
        share = self.conversation.minimum_intent_confidence
        return percent(share) if share is not None else ""

    @property
    def unsure(self) -> bool:
        share = self.conversation.minimum_intent_confidence
        return share is not None and share < UNSURE

    @property
    def title(self) -> str:
        return self.conversation.first_user_text or _("No message from the user yet")

    @property
    def answer(self) -> str:
        """The latest line, unless it is the title already."""
        latest = self.conversation.latest_text
        return "" if latest == self.conversation.first_user_text else latest

    @property
    def is_marked(self) -> bool:
        return bool(self.tags or self.flagged or self.corrected or self.reviewer)

    @property
    def shown_tags(self) -> list[Choice]:
        return self.tags[:TAGS]

    @property
    def other_tags(self) -> list[str]:
        return [tag.value for tag in self.tags[TAGS:]]

    @property
    def environment(self) -> str:
        return ", ".join(sorted(self.environments))

    @property
    def reviewer(self) -> str:
        return self.conversation.reviewer or ""

    @property
    def status_label(self) -> str:
        return str(Review.Status(self.status).label)

    @property
    def unread(self) -> bool:
        return self.status == Review.Status.UNREAD


@dataclass
class Page:
    rows: list[Row]
    older: Position | None


def page(filters: Filters, menus: Menus, before: Position | None) -> Page:
    finding = Finding.plan(filters, menus, _with_marks(menus))
    found = finding.page(PAGE + 1, before) if finding else []
    marks = menus.marks
    rows = [_row(conversation, marks) for conversation in found[:PAGE]]
    last = rows[-1].conversation if len(found) > PAGE else None
    return Page(rows, Order.of(filters).place(last) if last else None)


def _row(conversation: Any, marks: dict[int, tuple[str, Choice]]) -> Row:
    row = Row(conversation)
    for kind, choice in _read(conversation.marks, marks):
        match kind:
            case Facet.Kind.TAG:
                row.tags.append(choice)
            case Facet.Kind.REVIEW:
                row.status = choice.value
            case Facet.Kind.FLAG:
                row.flagged = True
            case Facet.Kind.ANNOTATION:
                row.corrected = True
            case Facet.Kind.ENVIRONMENT:
                row.environments.append(choice.value)
            case Facet.Kind.ASSIGNEE:
                row.assignee_id = int(choice.value)
    row.tags.sort(key=lambda choice: choice.value.casefold())
    return row


def _read(ids: str | None, marks: dict[int, tuple[str, Choice]]) -> Iterable[tuple[str, Choice]]:
    return (marks[int(pk)] for pk in (ids or "").split(",") if pk)


class _Joined(Aggregate):
    """Ids as one text, separated by commas."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="string_agg(%(expressions)s::text, ',')", **extra)


def _with_marks(menus: Menus) -> Conversations:
    links = ConversationFacet.objects.filter(conversation=OuterRef("pk"), facet__in=list(menus.marks))
    marks = links.order_by().values("conversation").annotate(ids=_Joined("facet_id")).values("ids")
    return Conversation.objects.annotate(marks=Subquery(marks), reviewer=Review.objects.reviewer())
