"""The list of conversations, and the names to filter it by."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events import replica
from events.models import Facet
from rasax.accounts.api.operations import Reading, operation, person
from rasax.accounts.api.paging import AT_LEAST, COUNTED, HEADERS, TOTAL, Paged, paged
from rasax.conversations.api.asking import ConversationsQuery, filters_of, rows_of
from rasax.conversations.api.items import ConversationItem, ConversationTag, items
from rasax.conversations.filters import Position
from rasax.conversations.finding import Finding, Order, counted
from rasax.conversations.menus import Menus
from rasax.conversations.models import Tag

READ = ("events.view_conversation",)


class Conversations(Reading):
    @operation(ConversationItem(many=True), needs=READ, query=ConversationsQuery, headers=(*HEADERS, AT_LEAST))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Conversations that match."""
        filters = filters_of(query)
        menus = Menus.load(filters)
        finding = Finding.plan(filters, menus, rows_of(query, person(request)))
        if finding is None:
            return paged(request, [], total=0)
        cursor = Position.read(query["cursor"]) if "cursor" in query else None
        found = replica.read(lambda: finding.page(query["limit"] + 1, before=cursor, offset=query["offset"]))
        shown, more = found[: query["limit"]], len(found) > query["limit"]
        total = finding.count(at_most=COUNTED) if query["exclude_self"] else counted(filters, COUNTED, menus)
        response = paged(request, items(shown), Order.of(filters).place(shown[-1]) if more else None, total)
        if total >= COUNTED:
            response["X-Total-Count-At-Least"] = "true"
        return response


class Names(Reading):
    """One path for each kind of name."""

    kind: Facet.Kind = Facet.Kind.INTENT

    @operation(list[str], needs=READ, query=Paged, headers=(TOTAL,))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Names to filter by, the most frequent first."""
        names = Facet.objects.of(self.kind).values_list("value", flat=True)
        shown = names[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, list(shown), total=names.count())


class TagOfAll(ConversationTag):
    conversations = serializers.IntegerField(help_text="How many have it")


class Tags(Reading):
    @operation(TagOfAll(many=True), needs=READ)
    def get(self, request: Request) -> Response:
        """All tags there are."""
        columns = {"value": F("facet__value"), "conversations": F("facet__n_conversations")}
        return Response(list(Tag.objects.values("color", id=F("pk"), **columns).order_by("value")))
