"""Interactive learning: after each message of the user, what it meant and what comes next, confirmed or corrected.

Everything here that asks Rasa raises RasaError, whose text is for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from events.models import Event
from events.vocabulary import UserUttered
from rasax.accounts.models import User
from rasax.chat.chats import Chat
from rasax.chat.learned import LearnedStory
from rasax.chat.talking import LISTEN, WAITS, append, listens
from rasax.conversations.lines import plain
from rasax.conversations.models import Correction
from rasax.conversations.presenting import Guess
from rasax.conversations.replay import replay
from rasax.conversations.wording import percent
from rasax.deployment.errors import RasaError, Reason
from rasax.training.entities import broken, read
from trackers.applied import AppliedEvents
from trackers.stories import annotated

MOST_SCORES = 9  # as many as there are digits


@dataclass(frozen=True)
class Step:
    """Where the conversation stands at the server: the last message that counts, and what Rasa would do."""

    said: str | None = None  # with its entities in it; None before the first message
    intent: str = ""
    guesses: list[Guess] = field(default_factory=list)
    actions: list[Guess] = field(default_factory=list)  # the likeliest first
    others: list[str] = field(default_factory=list)
    policy: str = ""
    listens: bool = False  # the bot did what it had to: it is the user's turn


def step_of(chat: Chat) -> Step:
    try:
        with chat.server.rasa(timeout=WAITS) as rasa:
            predicted = rasa.predict(chat.sender_id)
    except RasaError as error:
        if error.reason == Reason.UNKNOWN:
            return Step(listens=True)
        raise
    counting = AppliedEvents.of((predicted.tracker or {}).get("events") or []).events()
    said = next((event for event in reversed(counting) if event.get("event") == "user"), {})
    last = next((event for event in reversed(counting) if event.get("event") in {"user", "action"}), {})
    parsed = _mapping(said.get("parse_data"))
    ranked = sorted(predicted.scores, key=lambda score: -score.score)
    return Step(
        said=annotated(plain(said.get("text")), list(_entities(parsed))) if said else None,
        intent=plain(_mapping(parsed.get("intent")).get("name")),
        guesses=_guesses(parsed),
        actions=[Guess(plain(each.action), percent(each.score)) for each in ranked[:MOST_SCORES]],
        others=sorted(plain(each.action) for each in ranked),
        policy=plain(predicted.policy),
        listens=(last.get("event") == "action" and last.get("name") == LISTEN) or not last,
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entities(parsed: dict[str, Any]) -> Iterable[dict[str, Any]]:
    found = parsed.get("entities")
    listed = found if isinstance(found, list) else []
    return (entity for entity in listed if isinstance(entity, dict) and isinstance(entity.get("entity"), str))


def _guesses(parsed: dict[str, Any]) -> list[Guess]:
    ranking = parsed.get("intent_ranking")
    found: dict[str, str] = {}
    for intent in [parsed.get("intent"), *(ranking if isinstance(ranking, list) else [])]:
        name, share = _mapping(intent).get("name"), _mapping(intent).get("confidence")
        if isinstance(name, str) and name:
            found.setdefault(plain(name), percent(share) if isinstance(share, int | float) else "")
    return [Guess(name, sure) for name, sure in found.items()][:9]


def correct(chat: Chat, said: str, intent: str, by: User) -> None:
    """Says the last message anew, with the right intent and entities (marked as `[Rome](city)`); what followed the
    wrong one is taken back. Who may correct conversations leaves their word on the message, too."""
    _leave_word(chat, intent, by)
    text, entities = read_annotated(said)
    parsed = {"text": text, "intent": {"name": intent, "confidence": 1.0}, "entities": entities}
    parsed["intent_ranking"] = [{"name": intent, "confidence": 1.0}]
    append(chat, {"event": "rewind"}, listens())
    with chat.server.rasa(timeout=WAITS) as rasa:
        rasa.append_message(chat.sender_id, text, parse_data=parsed)
    if not chat.learns:
        chat.switch(Chat.Mode.LEARN)


def confirm(chat: Chat, intent: str, by: User) -> None:
    _leave_word(chat, intent, by)


def _leave_word(chat: Chat, intent: str, by: User) -> None:
    rows = Event.objects.filter(conversation=chat.conversation_id, type=UserUttered.TYPE)
    last = rows.order_by("-timestamp", "-digest").first() if chat.conversation_id else None
    if last and last.name and by.has_perm("conversations.annotate_conversation"):
        Correction.objects.correct(last, intent, by)


def execute(chat: Chat, action: str, policy: str = "") -> None:
    chat.ask()
    with chat.server.rasa(timeout=WAITS) as rasa:
        rasa.execute(chat.sender_id, action, policy=policy or None, confidence=1.0)
    chat.was_heard_by("api")


def save(chat: Chat, kind: str, name: str, by: User) -> tuple[LearnedStory, bool]:
    """What came of the chat so far and counts. Raises ValueError where there is nothing to save."""
    rows = Event.objects.filter(conversation=chat.conversation_id)
    last = rows.order_by("-timestamp", "-id").first() if chat.conversation_id else None
    if last is None or chat.conversation is None:
        raise ValueError("There is nothing to save yet.")
    events = replay(chat.sender_id, last).tracker.applied_events()
    return LearnedStory.objects.learn(kind, name, events, chat.conversation, by)


def read_annotated(said: str) -> tuple[str, list[dict[str, Any]]]:
    """The text and its entities, of `to [Rome](city)` or `to [Rome]{"entity": "city", "role": "to"}`, as Rasa's
    training data have it. Where a part cannot be read so, all is text."""
    return (said, []) if broken(said) else read(said)
