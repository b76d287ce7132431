"""One conversation: its transcript, in windows, and what people put on it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from events.models import Conversation, Event
from events.querysets import ConversationQuerySet
from rasax.accounts.models import User
from rasax.conversations import stylesheet, transcript
from rasax.conversations.filters import Filters, Position
from rasax.conversations.finding import Finding, Order
from rasax.conversations.lines import FAMILIES
from rasax.conversations.menus import Menus
from rasax.conversations.models import Review
from rasax.conversations.presenting import present
from rasax.conversations.remarks import remarks_on
from rasax.conversations.views import can_read, wants_fragment


@can_read
@require_GET
def conversation(request: HttpRequest, pk: int) -> HttpResponse:
    """The page. With `before`, `from` or `after` and asked by a script, a part of its transcript."""
    shown = get_object_or_404(with_marks(), pk=pk)
    if wants_fragment(request) and (after := request.GET.get("after", "")).isdecimal():
        return _arrived(request, shown, int(after[:18]))
    window = _window(request, pk)
    context = _transcript(request, shown, window)
    if wants_fragment(request):
        return render(request, "conversations/_transcript.html", context)
    context |= {"before": "before" in request.GET, **panel_context(request, shown)}
    return render(request, "conversations/conversation.html", context)


@can_read
@require_GET
def panel(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(with_marks(), pk=pk)
    return render(request, "conversations/_changed.html", panel_context(request, shown))


@can_read
@require_GET
def raw(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """The event's JSON text, as it was sent."""
    return event_json(pk, event_pk)


def event_json(pk: int, event_pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.only("data"), pk=event_pk, conversation=pk)
    response = HttpResponse(event.data, content_type="application/json; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    return response


@can_read
@require_GET
def neighbour(request: HttpRequest, pk: int, direction: str) -> HttpResponse:
    """The next (older) or previous one among those that the list shows."""
    return redirect(address_of_neighbour(request, get_object_or_404(Conversation, pk=pk), direction))


def address_of_neighbour(request: HttpRequest, from_: Conversation, direction: str) -> str:
    filters = Filters.read(request.GET)
    asked = filters.for_reader(reader(request).pk)
    position = place_of(from_, asked)
    finding = Finding.plan(asked, Menus.load(asked))
    place: dict[str, Any] = {"before": position} if direction == "next" else {"after": position}
    found = finding.page(1, **place) if finding else []
    if found:
        return f"{reverse('conversation', args=[found[0].pk])}?{filters.query}".rstrip("?")
    messages.info(request, _("That was the last one.") if direction == "next" else _("That was the first one."))
    return f"{reverse('conversations')}?{filters.query}".rstrip("?")


def reader(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the decorators let nobody else in
    return request.user


def with_marks() -> ConversationQuerySet:
    return Conversation.objects.select_related("review__by", "assignment__assignee")


def place_of(shown: Conversation, filters: Filters) -> Position | None:
    """Where it stands in the filters' order; None for one that this order has no place for."""
    place = Order.of(filters).place(shown)
    return place if place.time is not None else None


def panel_context(request: HttpRequest, shown: Conversation) -> dict[str, Any]:
    remarks = remarks_on(shown.pk)
    return {
        "conversation": shown,
        "filters": Filters.read(request.GET),
        "remarks": remarks,
        "review": getattr(shown, "review", None),
        "status": shown.review.status if hasattr(shown, "review") else Review.Status.UNREAD,
        "assignment": getattr(shown, "assignment", None),
        "others": sorted(name for pk, name in remarks.readers if pk != request.user.pk),
        "note_on": request.GET.get("note", "") if request.GET.get("note", "").isdecimal() else "",
        "statuses": Review.Status.choices,
        "tags_version": stylesheet.version(remarks.colors),
        "may_annotate": request.user.has_perm("conversations.annotate_conversation"),
        "may_add_tags": request.user.has_perm("conversations.add_tag"),
    }


def _window(request: HttpRequest, pk: int) -> transcript.Window:
    if (at := _seconds(request.GET.get("at", ""))) is not None:
        return transcript.around(pk, at)
    if place := Position.read(request.GET.get("from", "")):
        return transcript.following(pk, place)
    return transcript.latest(pk, Position.read(request.GET.get("before", "")))


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if isfinite(seconds) else None


def _transcript(request: HttpRequest, shown: Conversation, window: transcript.Window) -> dict[str, Any]:
    return {
        "conversation": shown,
        "filters": Filters.read(request.GET),
        "window": window,
        "items": present(window.events),
        "taken_back": transcript.taken_back(window.events),
        "families": FAMILIES.items(),
        "may_annotate": request.user.has_perm("conversations.annotate_conversation"),
    }


def _arrived(request: HttpRequest, shown: Conversation, after: int) -> HttpResponse:
    window = transcript.arrived(shown.pk, after)
    if window is not None and not window.events:
        return HttpResponse(status=204)
    response = render(
        request,
        "conversations/_transcript.html",
        _transcript(request, shown, window or transcript.latest(shown.pk)),
    )
    response["Transcript"] = "append" if window else "replace"
    return response
