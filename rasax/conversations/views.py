"""The list of conversations."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from events import replica
from events.models import Conversation
from rasax.accounts.models import User
from rasax.conversations import finding, stylesheet
from rasax.conversations.filters import Filters, Position
from rasax.conversations.finding import Finding, Order
from rasax.conversations.first_steps import SNIPPETS
from rasax.conversations.menus import Menus
from rasax.conversations.models import Tag
from rasax.conversations.rows import page
from rasax.conversations.sidebar import NAMES, ORDERS, Sidebar, people, views_of

can_read = permission_required("events.view_conversation", raise_exception=True)

MOST_COUNTED = 1_000
AROUND = 20  # rows of the column beside a conversation, on each side of it


def home(request: HttpRequest) -> HttpResponse:
    return redirect("conversations" if request.user.has_perm("events.view_conversation") else "account")


@can_read
def conversations(request: HttpRequest) -> HttpResponse:
    filters = Filters.read(request.GET)
    if wants_fragment(request) and request.GET.get("compact") == "1":
        return _column(request, filters)
    before = Position.read(request.GET.get("before", ""))
    asked = filters.for_reader(request.user.pk or 0)
    menus = Menus.load(asked)
    names, found = people(), replica.read(lambda: page(asked, menus, before))
    context = {
        **_what_is_asked(request, filters, Sidebar(filters, menus, request.user, names)),
        **_what_may_be_done(request),
        "page": found,
        "rows": [(row, names.get(str(row.assignee_id), "")) for row in found.rows],
        "before": before,
        "tags": menus.tags,
        "tags_version": stylesheet.version((tag.pk, tag.color or "") for tag in menus.tags),
        "snippets": SNIPPETS,
        "nothing_yet": not found.rows and not filters and not before,
    }
    template = "conversations/_results.html" if wants_fragment(request) else "conversations/conversations.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _what_is_asked(request: HttpRequest, filters: Filters, sidebar: Sidebar) -> dict[str, Any]:
    views, active = views_of(request.user, filters.query)
    return {
        "filters": filters,
        "query": filters.query,
        "sidebar": sidebar,
        "chips": list(sidebar.chips()),
        "ignored": [NAMES.get(name, name) for name in filters.ignored],
        "views": views,
        "active": active,
        "owns_active": active is not None and active.owner_id == request.user.pk,
        "may_delete_active": active is not None and active.is_deletable_by(request.user),
        "orders": ORDERS.items(),
        "order": filters.order,
        "fragment": wants_fragment(request),
    }


def _what_may_be_done(request: HttpRequest) -> dict[str, bool]:
    may = request.user.has_perm
    return {
        "may_annotate": may("conversations.annotate_conversation"),
        "may_add_tags": may("conversations.add_tag"),
        "may_export": may("conversations.export_conversation"),
        "may_delete": may("events.delete_conversation"),
        "may_select": may("conversations.annotate_conversation") or may("conversations.export_conversation"),
    }


def _column(request: HttpRequest, filters: Filters) -> HttpResponse:
    """The rows around one conversation, to stand beside it."""
    asked = filters.for_reader(request.user.pk or 0)
    around = request.GET.get("around", "")
    current = Conversation.objects.filter(pk=int(around[:18])).first() if around.isdecimal() else None
    rows = replica.read(lambda: _around(asked, current))
    return render(request, "conversations/_column.html", {"rows": rows, "current": current, "query": filters.query})


def _around(filters: Filters, current: Conversation | None) -> list[Conversation]:
    finding = Finding.plan(filters, Menus.load(filters))
    if not finding:
        return []
    position = Order.of(filters).place(current) if current else None
    if not current or not position or position.time is None:
        return finding.page(2 * AROUND)
    newer = finding.page(AROUND, after=position)
    return [*reversed(newer), current, *finding.page(AROUND, before=position)]


@require_GET
@can_read
def count(request: HttpRequest) -> JsonResponse:
    """How many match; up to a thousand, unless all are asked for."""
    at_most = None if request.GET.get("exact") == "1" else MOST_COUNTED
    number = counted(Filters.read(request.GET), request.user, at_most)
    shown = number_shown(number, at_most)
    total = ngettext("%s conversation", "%s conversations", number) % shown
    every = ngettext("Select the %s that matches", "Select all %s that match", number) % shown
    return JsonResponse({"count": number, "shown": shown, "total": total, "every": every})


def counted(filters: Filters, user: User | AnonymousUser, at_most: int | None = MOST_COUNTED) -> int:
    return finding.counted(filters.for_reader(user.pk or 0), at_most)


def number_shown(number: int, at_most: int | None = MOST_COUNTED) -> str:
    written = number_format(number, force_grouping=True)
    return _("%s+") % written if at_most and number >= at_most else written


def wants_fragment(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


@can_read
def tag_colors(request: HttpRequest) -> HttpResponse:
    """Its URL carries a version, so that a browser may keep it."""
    response = HttpResponse(stylesheet.stylesheet(Tag.objects.values_list("pk", "color")), content_type="text/css")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
