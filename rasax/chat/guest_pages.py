"""What a guest sees: a link's text, then one conversation, their own. Nobody signs in here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.api.throttles import counted
from rasax.accounts.tokens import digest_of
from rasax.chat import talking
from rasax.chat.chats import Chat
from rasax.chat.models import GuestLink
from rasax.chat.pages import window_of
from rasax.chat.talking import MOST_SAID
from rasax.conversations import transcript
from rasax.conversations.presenting import Bubble, present
from rasax.conversations.views import wants_fragment
from rasax.deployment.errors import RasaError

WEEK = 7 * 86_400  # seconds that a browser keeps a guest's conversation
View = Callable[[HttpRequest, GuestLink, Chat | None], HttpResponse]


def for_guests(view: View) -> Callable[..., HttpResponse]:
    """Gives the link, and the chat of the browser that asks. A link that counts no longer is told from none by
    nobody."""

    @wraps(view)
    def run(request: HttpRequest, secret: str) -> HttpResponse:
        link = GuestLink.objects.of(secret)
        if link is None:
            return _closed(request)
        return view(request, link, _chat_of(request, link))

    return login_not_required(never_cache(run))


def _chat_of(request: HttpRequest, link: GuestLink) -> Chat | None:
    pk, _, secret = request.COOKIES.get(_cookie(link), "").partition(":")
    if not pk.isdecimal() or not secret:
        return None
    found = Chat.objects.filter(guest_link=link, pk=int(pk[:18])).select_related("server").first()
    return found if found and constant_time_compare(found.digest, digest_of(secret)) else None


def _cookie(link: GuestLink) -> str:
    return f"guest-{link.pk}"


@require_GET
@for_guests
def guest(request: HttpRequest, link: GuestLink, chat: Chat | None) -> HttpResponse:
    """The conversation; before it begins, what the link says. To look at it uses nothing up."""
    if chat is None:
        return render(request, "chat/guest_begin.html", {"link": link})
    if wants_fragment(request) and (after := request.GET.get("after", "")).isdecimal():
        return _arrived(request, chat, int(after[:18]))
    context = {"link": link, "chat": chat, "base": request.path, **_said(chat)}
    return render(request, "chat/guest.html", context)


@require_POST
@for_guests
def begin(request: HttpRequest, link: GuestLink, chat: Chat | None) -> HttpResponse:
    if _too_often(request, link):
        return _slow_down(request)
    begun = None if chat else link.begin()
    if chat is None and begun is None:
        return _closed(request)
    response = redirect("guest", request.resolver_match.kwargs["secret"])  # type: ignore[union-attr]
    if begun:
        chat, secret = begun
        response.set_cookie(
            _cookie(link), f"{chat.pk}:{secret}", max_age=WEEK, path=reverse("guest_path"), secure=settings.HTTPS,
            httponly=True, samesite="Lax",
        )  # fmt: skip
    return response


@require_POST
@for_guests
def say(request: HttpRequest, link: GuestLink, chat: Chat | None) -> HttpResponse:
    if chat is None:
        return _closed(request)
    if _too_often(request, link):
        return _slow_down(request)
    text, failed = request.POST.get("text", "").strip()[:MOST_SAID], False
    try:
        if text:
            talking.send(chat, text)
    except RasaError:
        failed = True  # why is the team's business
    if not wants_fragment(request):
        return redirect("guest", request.resolver_match.kwargs["secret"])  # type: ignore[union-attr]
    if failed:
        error = _("The assistant does not answer right now. Try again in a while.")
        return render(request, "chat/_failed.html", {"error": error}, status=502)
    return HttpResponse(status=204)


def _arrived(request: HttpRequest, chat: Chat, after: int) -> HttpResponse:
    """All that is shown, where something came: a guest's page is short."""
    if chat.last_event <= after:
        return HttpResponse(status=204)
    response = render(request, "chat/_guest_said.html", _said(chat) | {"chat": chat, "base": request.path})
    response["Transcript"] = "replace"
    return response


def _said(chat: Chat) -> dict[str, Any]:
    """Bubbles, what was taken back left out; a button that was pressed reads as its title."""
    window = window_of(chat)
    gone = transcript.taken_back(window.events)
    bubbles = [item for item in present(window.events) if isinstance(item, Bubble) and item.event.pk not in gone]
    titles = {button.payload: button.title for bubble in bubbles for button in bubble.buttons}
    said = [(bubble, titles.get(bubble.event.text or "", "")) for bubble in bubbles]
    return {"said": said, "last": window.last}


def _too_often(request: HttpRequest, link: GuestLink) -> bool:
    limits = settings.GUEST_REQUESTS_PER_MINUTE
    address = request.META.get("REMOTE_ADDR", "")
    of_address = counted(f"guest:address:{address}") > limits["address"]
    return of_address or counted(f"guest:link:{link.pk}") > limits["link"]


def _slow_down(request: HttpRequest) -> HttpResponse:
    error = _("That was a lot at once. Wait a minute, then go on.")
    template = "chat/_failed.html" if wants_fragment(request) else "chat/guest_closed.html"
    response = render(request, template, {"error": error}, status=429)
    response["Retry-After"] = "60"
    return response


def _closed(request: HttpRequest) -> HttpResponse:
    error = _("This link does not lead to a conversation any more. Ask whoever gave it to you for another.")
    template = "chat/_failed.html" if wants_fragment(request) else "chat/guest_closed.html"
    return render(request, template, {"error": error}, status=410)


@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """The folder of guests' links."""
    return _closed(request)
