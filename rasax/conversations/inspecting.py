"""A closer look at one event of a conversation: the state it led to, its image; and where the conversation stands."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from events.models import Conversation, Event, key_of
from events.vocabulary import BotUttered, UserUttered
from rasax.conversations.filters import Filters
from rasax.conversations.finding import Finding, Order
from rasax.conversations.lines import plain, pretty
from rasax.conversations.menus import Menus
from rasax.conversations.presenting import Bubble, guesses, present
from rasax.conversations.reading import place_of, reader
from rasax.conversations.replay import STORY_LENGTH, replay
from rasax.conversations.transcript import read_row, rows_of
from rasax.conversations.views import can_read, wants_fragment

RAW_LENGTH = 20_000  # characters of an event's JSON beside the transcript
MOST_COUNTED = 1_000


@can_read
@require_GET
def at(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """Slots, form, story and the event itself, at one event."""
    shown, event = event_of(pk, event_pk)
    context = closer_look(shown, event) | {"base": reverse("conversation", args=[shown.pk])}
    page = "conversations/_at.html" if wants_fragment(request) else "conversations/at.html"
    return render(request, page, context)


def closer_look(shown: Conversation, event: Event) -> dict[str, Any]:
    """What _at.html shows; it also wants `base`, the address of the page below which its links are."""
    found = replay(shown.sender_id, event)
    raw = read_row(event)
    return {
        "conversation": shown,
        "item": present([event])[0],
        "replay": found,
        "guesses": guesses(event) if event.type == UserUttered.TYPE else [],
        "metadata": pretty(found.metadata, RAW_LENGTH) if found.metadata else "",
        "raw": pretty(raw[1], RAW_LENGTH) if raw else "",
        "stories": [(kind, *_cut(found.story(kind == "test_story"))) for kind in ("story", "test_story")],
    }


@can_read
@require_GET
def story(request: HttpRequest, pk: int, event_pk: int, kind: str) -> HttpResponse:
    """The story so far, or the end-to-end test, as a file that Rasa reads."""
    return story_file(*event_of(pk, event_pk), kind)


def story_file(shown: Conversation, event: Event, kind: str) -> HttpResponse:
    if kind not in {"story", "test_story"}:
        raise Http404
    text = replay(shown.sender_id, event).story(kind == "test_story")
    return yaml_file(text, f"{kind}_{shown.pk}_{event.pk}.yml")


def yaml_file(text: str, name: str) -> HttpResponse:
    response = HttpResponse(plain(text), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@can_read
@require_GET
def image(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """The image that the bot sent, in a page whose policy lets a browser fetch that server's images, nothing else."""
    return image_frame(request, event_of(pk, event_pk)[1])


def image_frame(request: HttpRequest, event: Event) -> HttpResponse:
    bubble = present([event])[0]
    if event.type != BotUttered.TYPE or not isinstance(bubble, Bubble) or not bubble.image_origin:
        raise Http404
    response = render(request, "conversations/image.html", {"address": bubble.image})
    response["Content-Security-Policy"] = (
        f"default-src 'none'; img-src {bubble.image_origin}; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response


@can_read
@require_GET
def message(request: HttpRequest, id: str, timestamp: str) -> HttpResponse:  # noqa: A002 - as links call it
    """A link to a message. By the conversation's number or, as Rasa X's links have it, by its sender_id."""
    number = int(id) if id.isdecimal() and len(id) < 19 else 0
    numbered = Conversation.objects.filter(pk=number)
    shown = numbered.first() or get_object_or_404(Conversation, key=key_of(id))
    return redirect(f"{reverse('conversation', args=[shown.pk])}?at={timestamp}#focus")


@can_read
@require_GET
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Which one it is of those that the list shows."""
    shown = get_object_or_404(Conversation, pk=pk)
    filters = Filters.read(request.GET).for_reader(reader(request).pk)
    position = place_of(shown, filters)
    if position is None:
        return HttpResponse()
    menus = Menus.load(filters)
    above = Conversation.objects.filter(Order.of(filters).reversed().beyond(position))
    total = _count(Finding.plan(filters, menus))
    number = _count(Finding.plan(filters, menus, above)) + 1
    context = {"total": min(total, MOST_COUNTED), "more": total > MOST_COUNTED, "number": number}
    context["is_near"] = number <= context["total"]  # else it is far down, or no longer among them
    return render(request, "conversations/_place.html", context)


def event_of(pk: int, event_pk: int) -> tuple[Conversation, Event]:
    event = get_object_or_404(rows_of(pk).select_related("conversation"), pk=event_pk)
    return event.conversation, event


def _cut(text: str) -> tuple[str, bool]:
    text = plain(text)
    return text[:STORY_LENGTH], len(text) > STORY_LENGTH


def _count(finding: Finding | None) -> int:
    return finding.count(MOST_COUNTED + 1) if finding else 0
