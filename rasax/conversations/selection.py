"""Which conversations a form of the list means: those that are ticked, or all that its filters find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from events.models import Conversation
from rasax.conversations.filters import Filters
from rasax.conversations.finding import Finding
from rasax.conversations.menus import Menus

LARGEST_ID = 18  # digits


class Unclear(ValueError):
    """A form asks for what makes no sense; says why, and what to do."""


@dataclass(frozen=True)
class Selection:
    """`query` is the list's own, with "me" resolved to `reader`; None where conversations are ticked."""

    pks: tuple[int, ...] = ()
    query: str | None = None
    reader: int = 0

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        """Raises Unclear: what is left out of a filter would widen it, and more be changed than anybody saw."""
        if request.POST.get("all") == "1":
            filters = Filters.read(request.GET)
            if filters.ignored:
                raise Unclear(
                    _("These filters are not understood: %s. Go back to the list.") % ", ".join(filters.ignored)
                )
            return cls(query=filters.query, reader=request.user.pk or 0)
        ticked = request.POST.getlist("selected")
        if not all(pk.isascii() and pk.isdecimal() and len(pk) <= LARGEST_ID for pk in ticked):
            raise Unclear(_("There are no such conversations. Go back to the list."))
        return cls(tuple(dict.fromkeys(map(int, ticked))))

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Self:
        """From what `arguments` gave to a job."""
        return cls(tuple(arguments["pks"]), arguments["query"], arguments["reader"])

    @property
    def arguments(self) -> dict[str, Any]:
        return {"pks": list(self.pks), "query": self.query, "reader": self.reader}

    def count(self, at_most: int | None = None) -> int:
        if self.query is None:
            return len(self.pks) if at_most is None else min(len(self.pks), at_most)
        finding = self._finding()
        return finding.count(at_most) if finding else 0

    def chunks(self, size: int = 1000) -> Iterator[list[int]]:
        """The ids, as they are found now."""
        if self.query is None:
            known = list(Conversation.objects.filter(pk__in=self.pks).order_by("pk").values_list("pk", flat=True))
            yield from (known[start : start + size] for start in range(0, len(known), size))
        elif finding := self._finding():
            yield from finding.chunks(size)

    def _finding(self) -> Finding | None:
        filters = Filters.read(QueryDict(self.query)).for_reader(self.reader)
        return Finding.plan(filters, Menus.load(filters))
