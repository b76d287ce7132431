"""What events say of their conversation: a summary whose every part can be merged in any order."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from events.models import NAME_LENGTH, PREVIEW_LENGTH
from events.staging import Row
from events.vocabulary import LATEST_TIMESTAMP, Envelope, Event, UserUttered


def certainty_of(event: Event) -> float | None:
    """None for NaN and the infinities, too: nothing could be compared with them."""
    return event.certainty if event.certainty is not None and isfinite(event.certainty) else None


def clean(text: str | None, length: int) -> str | None:
    """The database keeps neither NUL nor half a surrogate pair; Event.data has both, escaped."""
    if not text:
        return None
    text = text[:length]
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


@dataclass(slots=True)
class Change:
    """What inserted events do to their conversation's row; each value with the time that decides between two."""

    first_event_time: float = LATEST_TIMESTAMP
    latest_event_time: float = -1
    n_events: int = 0
    n_user_messages: int = 0
    minimum_intent_confidence: float | None = None
    first_user_text: tuple[float, str] = (LATEST_TIMESTAMP, "")
    latest_text: tuple[float, str] = (-1, "")
    channel: tuple[float, str] = (-1, "")
    model: tuple[float, str, str] = (-1, "", "")

    def add(self, envelope: Envelope) -> None:
        time, event = envelope.timestamp, envelope.event
        self.n_events += 1
        self.first_event_time = min(self.first_event_time, time)
        self.latest_event_time = max(self.latest_event_time, time)
        if envelope.type == UserUttered.TYPE:
            self._add_user_message(time, event)
        if said := clean(event.said, PREVIEW_LENGTH):
            self.latest_text = max(self.latest_text, (time, said))
        if event.metadata and "model_id" in event.metadata:
            self.model = max(self.model, (time, *_model(event)))

    def _add_user_message(self, time: float, event: Event) -> None:
        self.n_user_messages += 1
        if said := clean(event.said, PREVIEW_LENGTH):
            self.first_user_text = min(self.first_user_text, (time, said))
        if isinstance(event, UserUttered) and (channel := clean(event.input_channel, NAME_LENGTH)):
            self.channel = max(self.channel, (time, channel))
        if (certainty := certainty_of(event)) is not None:
            lowest = self.minimum_intent_confidence
            self.minimum_intent_confidence = certainty if lowest is None else min(lowest, certainty)

    def row(self, conversation: int) -> Row:
        return (
            conversation,
            self.first_event_time,
            self.latest_event_time,
            self.n_events,
            self.n_user_messages,
            self.minimum_intent_confidence,
            *self.first_user_text,
            *self.latest_text,
            *self.channel,
            *self.model,
        )


def _model(event: Event) -> tuple[str, str]:
    metadata = event.metadata or {}
    model, assistant = metadata.get("model_id"), metadata.get("assistant_id")
    return (
        (clean(model, NAME_LENGTH) or "") if isinstance(model, str) else "",
        (clean(assistant, NAME_LENGTH) or "") if isinstance(assistant, str) else "",
    )
