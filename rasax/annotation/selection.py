"""All texts that the inbox's filters find, as its form asks for them, and as a job finds them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from rasax.annotation.filters import InboxFilters
from rasax.annotation.finding import Finding
from rasax.annotation.inbox import InboxMessage
from rasax.conversations.selection import Unclear

DAYS = ("since", "until")


@dataclass(frozen=True)
class Selection:
    """`newest` is the id of the newest text that there was when somebody asked: what came later nobody has seen."""

    query: str
    newest: int
    reader: int

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        """Raises Unclear: what is left out of a filter would widen it, and more be decided on than anybody saw."""
        filters = InboxFilters.read(request.GET)
        understood = dict(filters.pairs())
        if unread := [name for name in DAYS if request.GET.get(name) and name not in understood]:
            raise Unclear(_("These filters are not understood: %s. Go back to the inbox.") % ", ".join(unread))
        newest = InboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first()
        return cls(filters.query, newest or 0, request.user.pk or 0)

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Self:
        """From what `arguments` gave to a job."""
        return cls(arguments["query"], arguments["newest"], arguments["reader"])

    @property
    def arguments(self) -> dict[str, Any]:
        return {"query": self.query, "newest": self.newest, "reader": self.reader}

    def count(self, at_most: int) -> int:
        return self._finding().count(at_most)

    def pks(self) -> list[int]:
        return self._finding().every()

    def _finding(self) -> Finding:
        filters = InboxFilters.read(QueryDict(self.query))
        return Finding(filters, self.reader, InboxMessage.objects.filter(pk__lte=self.newest))
