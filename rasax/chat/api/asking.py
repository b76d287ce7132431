"""Which Rasa server a request is for, and its errors as the API's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import Http404
from rest_framework.exceptions import APIException, ParseError

from events.models import ConversationFacet, Facet, key_of
from rasax.accounts.api.errors import Conflict
from rasax.accounts.models import User
from rasax.chat.chats import Chat
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.models import RasaServer
from rasax.deployment.rasa import Rasa
from rasax.deployment.servers import Use

TALK = ("accounts.view_chat",)
NO_SERVER = "No Rasa server is configured; add one on the page of environments."


class BadGateway(APIException):
    status_code = 502


def server_called(name: str | None) -> RasaServer:
    """Without a name the one for production, else the first."""
    servers = RasaServer.objects.all()
    if not servers.exists():
        raise Conflict(NO_SERVER)
    if name is None:
        return servers.filter(use=Use.PRODUCTION).first() or servers[0]
    found = servers.filter(name=name).first()
    if found is None:
        raise Http404("There is no Rasa server of this name.")
    return found


def server_of(conversation_id: str, person: User, name: str | None) -> RasaServer:
    """Where a conversation is held: at the server that is named, where it was begun from here, or where its events
    come from. Who may not read conversations speaks in their own only."""
    chat = Chat.objects.filter(key=key_of(conversation_id)).select_related("server").first()
    is_own = chat is not None and chat.person_id == person.pk
    if not is_own and not person.has_perm("events.view_conversation"):
        raise Http404("You have begun no such conversation.")
    if name is None and chat is not None:
        return chat.server
    return server_called(name or _environment(conversation_id))


def _environment(conversation_id: str) -> str | None:
    """A server that is called like the environment of its events."""
    of_it = ConversationFacet.objects.filter(
        conversation__key=key_of(conversation_id), facet__kind=Facet.Kind.ENVIRONMENT
    )
    names = RasaServer.objects.filter(name__in=of_it.values("facet__value"))
    return names.values_list("name", flat=True).first()


@contextmanager
def told() -> Iterator[None]:
    try:
        yield
    except RasaError as error:
        raise _as_ours(error) from error


@contextmanager
def asking(server: RasaServer) -> Iterator[Rasa]:
    with told(), server.rasa() as rasa:
        yield rasa


def _as_ours(error: RasaError) -> Exception:
    if error.reason == Reason.UNKNOWN:
        return Http404(str(error))
    if error.reason == Reason.REFUSED:
        return ParseError(str(error))
    return Conflict(str(error)) if error.reason == Reason.NO_MODEL else BadGateway(str(error))
