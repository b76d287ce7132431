"""How an event looks in a transcript: what people and the bot said as bubbles, all else as lines between them.

Everything here is text that somebody else wrote, of any shape: nothing is trusted to be what Rasa documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from events.models import Event
from events.vocabulary import AgentUttered, BotUttered, Entity, UserUttered
from rasax.conversations.correcting import Correction
from rasax.conversations.lines import Line, Shown, line, plain, pretty
from rasax.conversations.transcript import read_row
from rasax.conversations.wording import percent

TEXT_LENGTH = 4_000  # characters of a message shown in a transcript; all of it is behind its link
JSON_LENGTH = 4_000


@dataclass(frozen=True)
class Segment:
    text: str
    entity: str = ""


@dataclass(frozen=True)
class Button:
    title: str
    payload: str


@dataclass(frozen=True)
class Guess:
    """An intent that was thought of, and how sure the prediction was."""

    name: str
    sure: str = ""


@dataclass
class Bubble(Shown):
    event: Event
    speaker: str  # user, bot or agent
    segments: list[Segment]
    cut: bool = False
    intent: str = ""
    entities: list[str] = field(default_factory=list)  # those that the text does not show
    buttons: list[Button] = field(default_factory=list)
    image: str = ""
    attachment: str = ""
    attachment_address: str = ""
    extra: str = ""  # elements and custom payloads, as JSON
    external: bool = False

    @property
    def flagged(self) -> bool:
        return hasattr(self.event, "flag")

    @property
    def correction(self) -> Correction | None:
        return getattr(self.event, "correction", None)

    @property
    def image_origin(self) -> str:
        return origin(self.image)


def present(events: Sequence[Event]) -> list[Bubble | Line]:
    return [_present(event) for event in events]


def _present(event: Event) -> Bubble | Line:
    found = read_row(event)
    if found is None:
        return _large(event)
    typed, raw = found
    if isinstance(typed, UserUttered):
        return _user(event, typed)
    if isinstance(typed, BotUttered):
        return _bot(event, typed)
    if isinstance(typed, AgentUttered):
        segments, cut = _text(typed.text)
        return Bubble(event, "agent", segments, cut, extra=_json(typed.data))
    return line(event, typed, raw)


def _large(event: Event) -> Bubble | Line:
    """By its columns, which hold the first 10,000 characters."""
    if event.type not in {UserUttered.TYPE, BotUttered.TYPE, AgentUttered.TYPE}:
        return Line(event, "other", "braces", event.type, plain(event.name), cut=True)
    segments, _ = _text(event.text)
    intent = plain(event.name) if event.type == UserUttered.TYPE else ""
    return Bubble(event, event.type, segments, cut=True, intent=intent)


def _user(event: Event, typed: UserUttered) -> Bubble:
    text = plain(typed.text)
    marked, others = _placed(text[:TEXT_LENGTH], typed.entities)
    external = bool(typed.metadata and typed.metadata.get("is_external") is True)
    return Bubble(
        event,
        "user",
        marked,
        cut=len(text) > TEXT_LENGTH,
        intent=plain(typed.intent.name),
        entities=[f"{_entity_name(entity)} = {plain(entity.value)}" for entity in others],
        external=external,
    )


def guesses(event: Event) -> list[Guess]:
    """The predicted intent of a user's message, then what else was thought of; as many as there are digits."""
    typed, _ = read_row(event) or (None, {})
    parsed = typed.parse_data if isinstance(typed, UserUttered) else None
    ranked = (parsed and parsed.intent_ranking) or []
    found = {plain(event.name): event.confidence} if event.name else {}
    for intent in ranked:
        found.setdefault(plain(intent.name), intent.confidence)
    return [_guess(name, share) for name, share in found.items() if name][:9]


def _guess(name: str, share: float | None) -> Guess:
    if share is None or not isfinite(share):
        return Guess(name)
    return Guess(name, percent(share))


def _placed(text: str, entities: list[Entity]) -> tuple[list[Segment], list[Entity]]:
    """The text with each entity where it stands, and the entities that stand nowhere or on top of another."""
    segments: list[Segment] = []
    others: list[Entity] = []
    end = 0
    for entity in sorted(entities, key=lambda entity: entity.start if entity.start is not None else -1):
        if entity.start is None or entity.end is None or not end <= entity.start < entity.end <= len(text):
            others.append(entity)
            continue
        segments += [Segment(text[end : entity.start]), Segment(text[entity.start : entity.end], _entity_name(entity))]
        end = entity.end
    return [segment for segment in [*segments, Segment(text[end:])] if segment.text], others


def _entity_name(entity: Entity) -> str:
    parts = [entity.entity, entity.role or "", entity.group or ""]
    return plain(" · ".join(part for part in parts if part))


def _bot(event: Event, typed: BotUttered) -> Bubble:
    data = typed.data or {}
    segments, cut = _text(typed.text)
    attachment, address = _attachment(data.get("attachment"))
    rest = {key: value for key, value in data.items() if key not in _KNOWN and value}
    return Bubble(
        event,
        "bot",
        segments,
        cut,
        buttons=[*_buttons(data.get("buttons")), *_buttons(data.get("quick_replies"))],
        image=plain(data.get("image") or ""),
        attachment=attachment,
        attachment_address=address,
        extra=_json(rest),
    )


_KNOWN = {"buttons", "quick_replies", "image", "attachment"}


def _buttons(value: object) -> list[Button]:
    items = value if isinstance(value, list) else []
    return [
        Button(plain(item.get("title") or item.get("payload") or ""), plain(item.get("payload") or ""))
        if isinstance(item, dict)
        else Button(plain(item), "")
        for item in items[:50]
    ]


def _attachment(value: Any) -> tuple[str, str]:
    """What to call it, and where it is if a browser may be sent there."""
    payload = value.get("payload") if isinstance(value, dict) else None
    if isinstance(payload, dict):
        address = _address(plain(payload.get("src") or payload.get("url") or ""))
        if address:
            return plain(payload.get("title") or "")[:JSON_LENGTH] or address, address
    text = plain(value)[:JSON_LENGTH] if value else ""
    return text, _address(text)


def _address(text: str) -> str:
    """Empty unless it is one that a browser may be sent to."""
    return text if text.startswith(("https://", "http://")) else ""


_PLACE = re.compile(r"(https?)://(?:[^/?#@\\\s]*@)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?=[/?#]|$)", re.IGNORECASE)


def origin(address: str) -> str:
    """Scheme, host and port of a web address, fit to stand in a content security policy; empty if there are none."""
    found = _PLACE.match(address)
    return f"{found[1]}://{found[2]}{found[3] or ''}".lower() if found else ""


def _text(text: str | None) -> tuple[list[Segment], bool]:
    cleaned = plain(text)
    return ([Segment(cleaned[:TEXT_LENGTH])] if cleaned else []), len(cleaned) > TEXT_LENGTH


def _json(value: Any) -> str:
    return pretty(value, JSON_LENGTH) if value else ""
