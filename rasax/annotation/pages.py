"""The NLU inbox: the list, the chosen text beside it, and the forms that decide on it. Without a script each form
leads back to the list."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from events.models import Facet
from rasax.annotation.filters import ORDER_NAMES, STATES, InboxFilters
from rasax.annotation.gathering import Gathering
from rasax.annotation.inbox import InboxMessage
from rasax.annotation.rows import Shown, page
from rasax.conversations.reading import reader
from rasax.conversations.views import wants_fragment

can_see = permission_required("accounts.view_nlu_data", raise_exception=True)
can_change = permission_required("accounts.change_nlu_data", raise_exception=True)
MOST_INTENTS = 200
COUNTED = 100
GATHERED, REMEMBERED = "inbox-is-gathered", 3600


@can_see
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    filters = InboxFilters.read(request.GET)
    before = filters.position(request.GET.get("before", ""))
    found = page(filters, reader(request), before)
    context: dict[str, Any] = {
        "filters": filters,
        "page": found,
        "before": before,
        "orders": ORDER_NAMES.items(),
        **_may(request),
    }
    if wants_fragment(request):
        response = render(request, "inbox/_results.html", context)
    else:
        context["newest"] = InboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        response = render(request, "inbox/inbox.html", {**context, **_menus(filters), "gathering": _gathering()})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _may(request: HttpRequest) -> dict[str, bool]:
    may = request.user.has_perm
    return {
        "may_change": may("accounts.change_nlu_data"),
        "may_read": may("events.view_conversation"),
        "second_opinion": settings.SECOND_OPINION,
    }


def _menus(filters: InboxFilters) -> dict[str, Any]:
    """The most frequent intents, and all environments, whose kind sorts before theirs."""
    kinds = (Facet.Kind.ENVIRONMENT, Facet.Kind.INTENT)
    facets = Facet.objects.filter(kind__in=kinds, n_conversations__gt=0)
    rows = list(facets.order_by("kind", "-n_conversations", "value").values_list("kind", "value")[:MOST_INTENTS])
    names = {kind: {value for each, value in rows if each == kind} for kind in kinds}
    if filters.intent:
        names[Facet.Kind.INTENT].add(filters.intent)
    return {
        "intents": sorted(names[Facet.Kind.INTENT], key=str.casefold),
        "environments": sorted(names[Facet.Kind.ENVIRONMENT]),
        "states": STATES.items(),
    }


def _gathering() -> Gathering | None:
    """While earlier messages are still taken in."""
    if cache.get(GATHERED):
        return None
    gathering = Gathering.objects.first()
    if gathering and gathering.is_done:
        cache.set(GATHERED, True, REMEMBERED)
        return None
    return gathering


@can_see
@require_GET
def count(request: HttpRequest) -> JsonResponse:
    """How many are new; counted to a hundred."""
    number = InboxMessage.objects.filter(waiting=True).order_by()[:COUNTED].count()
    return JsonResponse({"count": number, "shown": "99+" if number == COUNTED else str(number)})


@can_see
@require_GET
def message(request: HttpRequest, inbox_pk: int) -> HttpResponse:
    row = get_object_or_404(InboxMessage.objects.select_related("by"), pk=inbox_pk)
    return show(request, row)


def show(request: HttpRequest, row: InboxMessage, status: int = 200, **more: Any) -> HttpResponse:
    filters = InboxFilters.read(request.GET)
    context = {"shown": Shown(row), "filters": filters, **_may(request), **more}
    template = "inbox/_panel.html" if wants_fragment(request) else "inbox/message.html"
    return render(request, template, context, status=status)


def back_to_list(request: HttpRequest, said: str = "") -> str:
    """Its address; without a script the page says there what was done."""
    if said:
        messages.success(request, said)
    return f"{reverse('inbox')}?{InboxFilters.read(request.GET).query}".rstrip("?")


def nothing_chosen() -> str:
    return _("Choose the texts first.")
