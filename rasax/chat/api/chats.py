"""One's own chats, and guests' way in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Conversation, key_of
from rasax.accounts.api.authentication import BearerAuthentication
from rasax.accounts.api.errors import Conflict
from rasax.accounts.api.fields import Matching, Seconds, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.chat.api.asking import TALK, server_called, told
from rasax.chat.api.dialogue import Answer, Begun
from rasax.chat.chats import Chat
from rasax.chat.models import GuestLink
from rasax.chat.talking import MOST_SAID, jwt_for, say_in

SHARE = ("accounts.change_chat",)
GUESTS_JWT = timedelta(hours=8)
MOST_CHATS = 100
UNGUESSED = r"^[A-Za-z0-9_.~-]{20,200}$"


class MessageToBot(Strict):
    message = Text(max_length=MOST_SAID)
    conversation_id = Text(required=False, max_length=200, help_text="One of yours; else a new one begins")
    environment = Text(required=False, max_length=100, help_text="The Rasa server's name, for a new one")


class AnswerInChat(Answer):
    conversation_id = serializers.CharField()


class Chats(Endpoint):
    @operation(Begun(many=True), needs=TALK)
    def get(self, request: Request) -> Response:
        """Your latest chats."""
        return Response(Begun(Chat.objects.of(person(request))[:MOST_CHATS], many=True).data)

    @operation(AnswerInChat, needs=TALK, body=MessageToBot, errors=(404, 409, 502))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Say something to the bot, in a chat of yours or a new one."""
        chat = _chat(person(request), body)
        with told():
            messages = say_in(chat.server, chat.sender_id, body["message"])
        return Response({"conversation_id": chat.sender_id, "messages": messages})


def _chat(asks: Any, body: dict[str, Any]) -> Chat:
    if "conversation_id" not in body:
        return Chat.objects.begin(server_called(body.get("environment")), asks)
    found = Chat.objects.of(asks).filter(key=key_of(body["conversation_id"])).first()
    if found is None:
        raise Http404("You have begun no such conversation.")
    return found


class ChatTokenState(serializers.Serializer[Any]):
    bot_name = serializers.CharField(source="name")
    description = serializers.CharField()
    expires = serializers.SerializerMethodField(help_text="Seconds since 1970; null: never")
    chat_token = serializers.CharField(source="secret", help_text="The guest link's secret")

    def get_expires(self, link: GuestLink) -> float | None:
        return link.expires_at.timestamp() if link.expires_at else None


class ChatTokenToKeep(Strict):
    bot_name = Text(required=False, max_length=100)
    description = Text(required=False, max_length=2_000, allow_blank=True)
    expires = Seconds(required=False, allow_null=True)
    chat_token = Matching(UNGUESSED, required=False, help_text="20 characters or more, random; else one is made")


class ChatToken(Endpoint):
    @operation(ChatTokenState, needs=SHARE, errors=(404,))
    def get(self, request: Request) -> Response:
        """The latest guest link that lets guests in."""
        link = GuestLink.objects.open().first()
        if link is None:
            raise Http404("There is no guest link; PUT makes one.")
        return Response(ChatTokenState(link).data)

    @operation(ChatTokenState, needs=SHARE, body=ChatTokenToKeep, errors=(409,))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Change the latest guest link, or make one."""
        secret = body.get("chat_token", "")
        given: dict[str, Any] = {"name": body["bot_name"]} if "bot_name" in body else {}
        given |= {"description": body["description"]} if "description" in body else {}
        given |= {"expires_at": _moment(body["expires"])} if "expires" in body else {}
        try:
            with transaction.atomic():
                link = _keep(person(request), secret, given)
        except IntegrityError as error:
            raise Conflict("This chat_token was used before; choose another.") from error
        return Response(ChatTokenState(link).data)


def _keep(by: Any, secret: str, given: dict[str, Any]) -> GuestLink:
    if link := GuestLink.objects.open().select_for_update().first():
        link.change(by, secret=secret, **given)
        return link
    return GuestLink.objects.share(by, secret=secret, server=server_called(None), **{"name": "Chat", **given})


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


class GuestsWayIn(Strict):
    conversation_id = Matching(UNGUESSED, help_text="20 characters or more, random: whoever knows it may speak in it")
    chat_token = Text(max_length=200)


class GuestsJwt(serializers.Serializer[Any]):
    jwt_token = serializers.CharField(help_text="For Rasa's channel `rasa`, and for this conversation alone")


class GuestAuth(Endpoint):
    scope = "auth"
    authentication_classes = []

    def get_authenticate_header(self, request: Request) -> str:
        return BearerAuthentication().authenticate_header(request)

    @operation(GuestsJwt, needs=None, body=GuestsWayIn, errors=(401, 409))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """A JWT for a guest's conversation.

        A conversation that is new counts as a use of the link.
        """
        link = GuestLink.objects.of(body["chat_token"])
        if link is None:
            raise AuthenticationFailed("The chat_token is wrong, has expired or was revoked.")
        name = body["conversation_id"]
        if not Chat.objects.filter(key=key_of(name), guest_link=link).exists():
            _begin(link, name)
        left = link.expires_at - timezone.now() if link.expires_at else GUESTS_JWT
        return Response({"jwt_token": jwt_for(name, min(GUESTS_JWT, left))})


def _begin(link: GuestLink, name: str) -> None:
    if Conversation.objects.filter(key=key_of(name)).exists():
        raise Conflict("This conversation is somebody's; choose another id.")
    try:
        with transaction.atomic():
            begun = link.begin(name)
    except IntegrityError as error:
        raise Conflict("This conversation is somebody's; choose another id.") from error
    if begun is None:
        raise AuthenticationFailed("The chat_token has been used as often as it may be.")
