"""Talk to the bot: one's chats, and one chat. What was said is shown as it arrives through the event broker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from events.models import Facet, Heartbeat
from events.vocabulary import UserUttered
from rasax.chat import talking
from rasax.chat.chats import Chat
from rasax.chat.talking import MOST_SAID
from rasax.conversations import transcript
from rasax.conversations.filters import Position
from rasax.conversations.inspecting import closer_look, event_of, image_frame, story_file
from rasax.conversations.lines import FAMILIES
from rasax.conversations.presenting import guesses, present
from rasax.conversations.reading import event_json, reader
from rasax.conversations.replay import replay
from rasax.conversations.views import wants_fragment
from rasax.deployment.errors import RasaError
from rasax.deployment.models import RasaServer

may_chat = permission_required("accounts.view_chat", raise_exception=True)
MOST_CHATS, MOST_INTENTS = 50, 200


def mine(request: HttpRequest, chat_pk: int) -> Chat:
    """Nobody else sees it here; who may read conversations has it in their list."""
    return get_object_or_404(Chat.objects.of(reader(request)), pk=chat_pk)


@may_chat
@require_http_methods(["GET", "POST"])
def chats(request: HttpRequest) -> HttpResponse:
    """One's chats, and a form to begin another."""
    if request.method == "POST":
        server = get_object_or_404(RasaServer, pk=_number(request.POST.get("server", "")))
        return redirect("chat", Chat.objects.begin(server, reader(request)).pk)
    servers = RasaServer.objects.all()
    context = {"chats": Chat.objects.of(reader(request))[:MOST_CHATS], "servers": servers}
    return render(request, "chat/chats.html", context)


@may_chat
@require_GET
def chat(request: HttpRequest, chat_pk: int) -> HttpResponse:
    """The page; asked by a script with `after` or `before`, a part of its transcript."""
    shown = mine(request, chat_pk)
    if wants_fragment(request) and (after := request.GET.get("after", "")).isdecimal():
        return arrived(request, shown, int(after[:18]), "conversations/_transcript.html")
    window = window_of(shown, Position.read(request.GET.get("before", "")))
    context = _transcript(shown, window)
    if wants_fragment(request):
        return render(request, "conversations/_transcript.html", context)
    intents = Facet.objects.of(Facet.Kind.INTENT).values_list("value", flat=True)[:MOST_INTENTS]
    context |= {"intents": intents, "modes": Chat.Mode.choices, "before": "before" in request.GET, **_notice(shown)}
    return render(request, "chat/chat.html", context)


def window_of(shown: Chat, before: Position | None = None) -> transcript.Window:
    return transcript.latest(shown.conversation_id, before) if shown.conversation_id else transcript.Window([])


def _transcript(shown: Chat, window: transcript.Window) -> dict[str, Any]:
    return {
        "chat": shown,
        "window": window,
        "items": present(window.events),
        "taken_back": transcript.taken_back(window.events),
        "families": FAMILIES.items(),
        "says": reverse("say", args=[shown.pk]),
    }


def arrived(request: HttpRequest, shown: Chat, after: int, template: str) -> HttpResponse:
    """What came since; 204 where nothing did."""
    window = transcript.arrived(shown.conversation_id, after) if shown.conversation_id else transcript.Window([])
    if window is not None and not window.events:
        return HttpResponse(status=204)
    response = render(request, template, _transcript(shown, window or window_of(shown)))
    response["Transcript"] = "append" if window else "replace"
    return response


@may_chat
@require_GET
def notice(request: HttpRequest, chat_pk: int) -> HttpResponse:
    """What to check where nothing came back; empty where something did."""
    return render(request, "chat/_notice.html", _notice(mine(request, chat_pk)))


def _notice(shown: Chat) -> dict[str, Any]:
    unheard = shown.is_unheard
    beats = Heartbeat.objects.alive().exists() if unheard else False
    return {"chat": shown, "unheard": unheard, "event_service": beats}


@may_chat
@require_GET
def rail(request: HttpRequest, chat_pk: int) -> HttpResponse:
    """Slots, story and event at the end of the chat, as the conversation's page has them at any event."""
    shown = mine(request, chat_pk)
    events = window_of(shown).events
    if not events:
        return HttpResponse(status=204)
    said = next((event for event in reversed(events) if event.type == UserUttered.TYPE), events[-1])
    context = closer_look(*event_of(shown.conversation_id or 0, events[-1].pk)) | {"base": _base(shown)}
    context["guesses"] = guesses(said) if said.type == UserUttered.TYPE else []
    return render(request, "conversations/_at.html", context)


@may_chat
@require_GET
def at(request: HttpRequest, chat_pk: int, event_pk: int) -> HttpResponse:
    shown = mine(request, chat_pk)
    context = closer_look(*event_of(shown.conversation_id or 0, event_pk)) | {"base": _base(shown)}
    return render(request, "conversations/_at.html" if wants_fragment(request) else "conversations/at.html", context)


@may_chat
@require_GET
def story(request: HttpRequest, chat_pk: int, event_pk: int, kind: str) -> HttpResponse:
    return story_file(*event_of(mine(request, chat_pk).conversation_id or 0, event_pk), kind)


@may_chat
@require_GET
def raw(request: HttpRequest, chat_pk: int, event_pk: int) -> HttpResponse:
    return event_json(mine(request, chat_pk).conversation_id or 0, event_pk)


@may_chat
@require_GET
def image(request: HttpRequest, chat_pk: int, event_pk: int) -> HttpResponse:
    return image_frame(request, event_of(mine(request, chat_pk).conversation_id or 0, event_pk)[1])


@may_chat
@require_POST
def say(request: HttpRequest, chat_pk: int) -> HttpResponse:
    shown, text = mine(request, chat_pk), request.POST.get("text", "").strip()[:MOST_SAID]
    return done(request, shown, lambda: talking.send(shown, text) if text else None)


@may_chat
@require_POST
def act(request: HttpRequest, chat_pk: int) -> HttpResponse:
    """What is no message: restart, step back, another mode."""
    shown = mine(request, chat_pk)
    asked = request.POST.get("act", "")
    acts: dict[str, Callable[[], object]] = {
        "restart": lambda: talking.restart(shown),
        "back": lambda: talking.step_back(shown),
        **{mode: partial(shown.switch, mode) for mode in Chat.Mode.values},
    }
    return done(request, shown, acts.get(asked, lambda: None))


@may_chat
@permission_required("events.view_conversation", raise_exception=True)
@require_http_methods(["GET", "POST"])
def carry_on(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """Begins a chat with what was said in a conversation up to an event; nothing of the conversation itself changes."""
    shown, event = event_of(pk, event_pk)
    servers = RasaServer.objects.all()
    if request.method == "GET":
        context = {"conversation": shown, "item": present([event])[0], "servers": servers}
        return render(request, "chat/carry_on.html", context)
    server = get_object_or_404(servers, pk=_number(request.POST.get("server", "")))
    events = list(replay(shown.sender_id, event).tracker.events)
    continued = Chat.objects.begin(server, reader(request), continues=shown)
    return done(request, continued, lambda: talking.carry_on(continued, events))


def done(request: HttpRequest, shown: Chat, do: Callable[[], object]) -> HttpResponse:
    """A script hears how it went; without one the page comes again and tells."""
    try:
        do()
    except RasaError as error:
        if wants_fragment(request):
            return render(request, "chat/_failed.html", {"error": str(error)}, status=502)
        messages.error(request, str(error))
    return HttpResponse(status=204) if wants_fragment(request) else redirect("chat", shown.pk)


def _base(shown: Chat) -> str:
    return reverse("chat", args=[shown.pk])


def _number(text: str) -> int:
    return int(text[:18]) if text.isdecimal() else 0
