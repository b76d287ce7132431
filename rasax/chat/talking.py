"""What is said to a Rasa server in a chat. What comes of it arrives as events, through the event broker.

Everything here raises RasaError, whose text is for people.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from rasax.accounts.models import SigningKey
from rasax.chat.chats import TEAM, Chat
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.models import RasaServer
from rasax.deployment.rasa import Rasa

WAITS = 30.0  # seconds: a custom action may take its time
GUESTS_AT_ONCE = 4  # of the eight threads that serve pages: a Rasa that hangs must not have guests hold them all
TURN = 1.0  # seconds that one more guest waits for a turn
JWT_FOR = timedelta(minutes=5)
LISTEN = "action_listen"
NO_SUCH_PATH = 404
MOST_SAID = 4_000  # characters
Message = dict[str, Any]  # of the bot: `{recipient_id, text, buttons?, …}`


turns = BoundedSemaphore(GUESTS_AT_ONCE)


class NotHeard(RasaError):
    """A channel is missing, or does not trust us: what to do about it."""

    def __init__(self, error: RasaError, hint: str) -> None:
        super().__init__(error.reason, error.words, error.status)
        self.hint = hint

    def __str__(self) -> str:
        return f"{super().__str__()} {self.hint}"


def jwt_for(sender_id: str, lifetime: timedelta = JWT_FOR) -> str:
    """For the one conversation that is called like its username, which needs no scope. It has no `sub`, so that our
    own API takes it for nobody's."""
    now = timezone.now()
    claims = {"username": sender_id, "scopes": [], "iat": now, "exp": now + lifetime}
    return SigningKey.objects.current().sign(claims)


def send(chat: Chat, text: str) -> list[Message]:
    """Says something in the person's or guest's name; in interactive learning without the bot's answer.

    Returns what the channel answered, which pages do not show: they wait for the events.
    """
    channel, messages = "api", list[Message]()
    with _turn_of(chat), chat.server.rasa(timeout=WAITS) as rasa:
        chat.ask()
        if chat.learns:
            rasa.append_message(chat.sender_id, text)
        else:
            channel, messages = _through_a_channel(rasa, chat.sender_id, text, chat.input_channel)
    chat.was_heard_by(channel)
    return messages


@contextmanager
def _turn_of(chat: Chat) -> Iterator[None]:
    """Guests take turns; the team does not wait for them."""
    is_guests = chat.guest_link_id is not None
    if is_guests and not turns.acquire(timeout=TURN):
        raise RasaError(Reason.SLOW)
    try:
        yield
    finally:
        if is_guests:
            turns.release()


def say_in(server: RasaServer, sender_id: str, text: str) -> list[Message]:
    """In any conversation; returns what the bot says."""
    with server.rasa(timeout=WAITS) as rasa:
        return _through_a_channel(rasa, sender_id, text, TEAM)[1]


def _through_a_channel(rasa: Rasa, sender_id: str, text: str, input_channel: str) -> tuple[str, list[Message]]:
    """By `rasa`, or by `rest` where Rasa has no such channel."""
    try:
        return "rasa", rasa.send_rasa(jwt_for(sender_id), text, input_channel=input_channel)
    except RasaError as error:
        if error.status == NO_SUCH_PATH:
            return _by_rest(rasa, sender_id, text, input_channel)
        if error.reason == Reason.BROKEN:
            hint = _("Its channel “rasa” may not trust rasax: the url in its credentials.yml must lead to /api here.")
            raise NotHeard(error, hint) from error
        raise


def _by_rest(rasa: Rasa, sender_id: str, text: str, input_channel: str) -> tuple[str, list[Message]]:
    try:
        return "rest", rasa.send_rest(sender_id, text, input_channel=input_channel)
    except RasaError as error:
        if error.status == NO_SUCH_PATH:
            hint = _("It has neither the channel “rasa” nor “rest”; add one to its credentials.yml.")
            raise NotHeard(error, hint) from error
        raise


def restart(chat: Chat) -> None:
    append(chat, {"event": "restart"}, listens())


def step_back(chat: Chat) -> None:
    """Takes the user's last message back, with all that followed. What was said stays on record, and counts no longer:
    Rasa's SQL tracker stores keep what a shorter list of events would replace, and the broker hears nothing of it."""
    append(chat, {"event": "rewind"}, listens())


def listens() -> dict[str, Any]:
    """A rewind takes the action_listen before the message away, too, and policies look for it."""
    return {"event": "action", "name": LISTEN, "policy": None, "confidence": None}


def append(chat: Chat, *events: dict[str, Any]) -> None:
    chat.ask()
    now = time.time()
    stamped = [{**event, "timestamp": now + number / 1000} for number, event in enumerate(events)]
    with chat.server.rasa(timeout=WAITS) as rasa:
        rasa.append_events(chat.sender_id, stamped)
    chat.was_heard_by("api")


def carry_on(chat: Chat, events: Sequence[dict[str, Any]]) -> None:
    """Begins the chat with what was said in another conversation, moved to now: else Rasa would begin a new session."""
    chat.ask()
    shift = time.time() - max((event["timestamp"] for event in events), default=0.0)
    moved = [{**event, "timestamp": event["timestamp"] + shift} for event in events]
    for event in moved:
        event.pop("sender_id", None)
    with chat.server.rasa(timeout=WAITS) as rasa:
        rasa.replace_events(chat.sender_id, moved, returns="NONE")
    chat.was_heard_by("api")
