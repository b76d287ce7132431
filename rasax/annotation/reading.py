"""What the assistant understood of a text when it was said last: intents, and entities as an example has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from events.models import Event
from events.vocabulary import Entity, UserUttered
from rasax.annotation.inbox import InboxMessage
from rasax.conversations.exporting.nlu import NO_INTENT, UNWRITABLE
from rasax.conversations.lines import plain
from rasax.conversations.presenting import Guess, guesses
from rasax.conversations.transcript import read_row, readable

Marked = dict[str, Any]  # start, end, entity, value; role and group where they are given


@dataclass(frozen=True)
class Reading:
    """`intent` is all of a retrieval intent's name, as its examples are filed."""

    intent: str = ""
    guesses: list[Guess] = field(default_factory=list)
    entities: list[Marked] = field(default_factory=list)
    ranking: list[tuple[str, float | None]] = field(default_factory=list)

    def suggestion(self, message: InboxMessage) -> str:
        """What accepting it says; empty where nothing was predicted."""
        return message.suggested or ("" if self.intent in NO_INTENT else self.intent)


def readings(messages: Iterable[InboxMessage]) -> dict[int, Reading]:
    """By the messages' ids, in one query."""
    messages = list(messages)
    wanted = {row.latest_event: row.pk for row in messages if row.latest_event is not None}
    rows = readable(Event.objects.filter(pk__in=list(wanted)))
    found = {wanted[event.pk]: _reading(event) for event in rows}
    return found | {row.pk: _reading(_asked(row)) for row in messages if row.latest_event is None and row.parsed}


def _asked(message: InboxMessage) -> Event:
    """What a Rasa server said that the text means, as if somebody had said it; not kept among the events."""
    event = Event(type=UserUttered.TYPE, text=message.text, name=message.intent, confidence=message.confidence)
    event.shown = message.parsed  # type: ignore[attr-defined]
    return event


def _reading(event: Event) -> Reading:
    typed, raw = read_row(event) or (None, {})
    found = typed.entities if isinstance(typed, UserUttered) else []
    full = _full_intent(raw) or plain(event.name)
    ranked = [guess for guess in guesses(event) if guess.name not in NO_INTENT]
    if ranked and full and ranked[0].name == plain(event.name):
        ranked[0] = Guess(full, ranked[0].sure)
    return Reading(full, ranked, placed(found, plain(event.text)), _ranking(typed))


def _ranking(typed: object) -> list[tuple[str, float | None]]:
    parsed = typed.parse_data if isinstance(typed, UserUttered) else None
    ranked = (parsed and parsed.intent_ranking) or []
    shares = ((intent, intent.confidence) for intent in ranked)
    return [(plain(intent.name), share if share is not None and isfinite(share) else None) for intent, share in shares]


def _full_intent(raw: dict[str, Any]) -> str:
    parsed = raw.get("parse_data")
    intent = parsed.get("intent") if isinstance(parsed, dict) else None
    full = intent.get("full_retrieval_intent_name") if isinstance(intent, dict) else None
    return plain(full) if isinstance(full, str) else ""


def placed(entities: Sequence[Entity], text: str) -> list[Marked]:
    """Those that stand in the text, each once however many extractors found it; of two that overlap the first."""
    marked: list[Marked] = []
    for entity in sorted(entities, key=lambda each: (each.start or 0, -(each.end or 0))):
        start, end = entity.start, entity.end
        if start is None or end is None or not 0 <= start < end <= len(text) or not entity.entity:
            continue
        if not marked or start >= marked[-1]["end"]:
            marked.append(_marked(entity, start, end, text))
    return marked


def _marked(entity: Entity, start: int, end: int, text: str) -> Marked:
    words = text[start:end]
    value = plain(entity.value) if isinstance(entity.value, str | int | float) else words
    given = {"role": entity.role, "group": entity.group}
    named = {name: plain(said) for name, said in given.items() if said}
    return {"start": start, "end": end, "entity": plain(entity.entity), "value": value or words, **named}


def writable(text: str) -> str:
    """As one line of an example: each character that cannot stand there becomes a space, so that places stay."""
    return UNWRITABLE.sub(" ", plain(text))
