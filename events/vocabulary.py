"""Rasa's conversation events: their names and fields, and `parse()`, the one way in for a message body.

Source: Rasa's documentation, "Events" and "Event Brokers", and recordings of Rasa 2.8 and 3.6. Pure Python.
What each event looks like on the wire stands in docs/events.md, which a test keeps complete.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

import msgspec

LATEST_TIMESTAMP = 253_402_214_400.0  # the last day of the year 9999; in another zone Python's datetime ends there


class InvalidMessage(ValueError):
    """The body is not an event that can be kept; its text says why."""


class Intent(msgspec.Struct, frozen=True):
    name: str | None = None
    confidence: float | None = None


class Entity(msgspec.Struct, frozen=True):
    """`start` and `end` count code points of the message's text."""

    entity: str
    value: Any = None
    start: int | None = None
    end: int | None = None
    extractor: str | None = None
    role: str | None = None
    group: str | None = None
    confidence_entity: float | None = None


class ParseData(msgspec.Struct, frozen=True):
    intent: Intent | None = None
    entities: list[Entity] | None = None
    intent_ranking: list[Intent] | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event has. `timestamp` is seconds since the epoch, in UTC."""

    TYPE: ClassVar[str] = ""

    timestamp: float
    metadata: dict[str, Any] | None = None

    @property
    def subject(self) -> str | None:
        """What the event is about, to filter by: its intent, action, slot or loop."""
        return None

    @property
    def said(self) -> str | None:
        """What a person or the bot said."""
        return None

    @property
    def certainty(self) -> float | None:
        """The confidence, 0 to 1, of the prediction that the event records."""
        return None


class Named(Event, frozen=True, kw_only=True):
    name: str | None = None

    @property
    def subject(self) -> str | None:
        return self.name


class Spoken(Event, frozen=True, kw_only=True):
    text: str | None = None

    @property
    def said(self) -> str | None:
        return self.text


class Predicted(Named, frozen=True, kw_only=True):
    policy: str | None = None
    confidence: float | None = None

    @property
    def certainty(self) -> float | None:
        return self.confidence


class UserUttered(Spoken, frozen=True, kw_only=True):
    TYPE = "user"

    parse_data: ParseData | None = None
    input_channel: str | None = None
    message_id: str | None = None

    @property
    def intent(self) -> Intent:
        return (self.parse_data and self.parse_data.intent) or Intent()

    @property
    def entities(self) -> list[Entity]:
        return (self.parse_data and self.parse_data.entities) or []

    @property
    def subject(self) -> str | None:
        return self.intent.name

    @property
    def certainty(self) -> float | None:
        return self.intent.confidence


class BotUttered(Spoken, frozen=True, kw_only=True):
    """`data` holds buttons, quick_replies, elements, image, attachment and custom, each null where unused."""

    TYPE = "bot"

    data: dict[str, Any] | None = None


class AgentUttered(Spoken, frozen=True, kw_only=True):
    TYPE = "agent"

    data: Any = None


class ActionExecuted(Predicted, frozen=True, kw_only=True):
    TYPE = "action"

    action_text: str | None = None
    hide_rule_turn: bool | None = None


class ActionExecutionRejected(Predicted, frozen=True, kw_only=True):
    TYPE = "action_execution_rejected"


class SlotSet(Named, frozen=True, kw_only=True):
    TYPE = "slot"

    value: Any = None


class ActiveLoop(Named, frozen=True, kw_only=True):
    """A loop (a form) starts; with the name null, the active one ends."""

    TYPE = "active_loop"


class LegacyForm(Named, frozen=True, kw_only=True):
    """Rasa 1 and 2.x; as ActiveLoop."""

    TYPE = "form"


class LoopInterrupted(Event, frozen=True, kw_only=True):
    TYPE = "loop_interrupted"

    is_interrupted: bool | None = None


class LegacyFormValidation(Named, frozen=True, kw_only=True):
    """Rasa 1 and 2.x; `validate` false is `is_interrupted` true."""

    TYPE = "form_validation"

    validate: bool | None = None


class FollowupAction(Named, frozen=True, kw_only=True):
    TYPE = "followup"


class EntitiesAdded(Event, frozen=True, kw_only=True):
    TYPE = "entities"

    entities: list[Entity] | None = None


class DefinePrevUserUtteredFeaturization(Event, frozen=True, kw_only=True):
    TYPE = "user_featurization"

    use_text_for_featurization: bool | None = None


class ReminderScheduled(Named, frozen=True, kw_only=True):
    """`date_time` is ISO 8601 without a zone: the Rasa server's local time."""

    TYPE = "reminder"

    intent: str | None = None
    entities: Any = None
    date_time: str | None = None
    kill_on_user_msg: bool | None = None


class ReminderCancelled(Named, frozen=True, kw_only=True):
    TYPE = "cancel_reminder"

    intent: str | None = None
    entities: Any = None


class SessionStarted(Event, frozen=True, kw_only=True):
    TYPE = "session_started"


class Restarted(Event, frozen=True, kw_only=True):
    TYPE = "restart"


class UserUtteranceReverted(Event, frozen=True, kw_only=True):
    TYPE = "rewind"


class ActionReverted(Event, frozen=True, kw_only=True):
    TYPE = "undo"


class ConversationPaused(Event, frozen=True, kw_only=True):
    TYPE = "pause"


class ConversationResumed(Event, frozen=True, kw_only=True):
    TYPE = "resume"


class AllSlotsReset(Event, frozen=True, kw_only=True):
    TYPE = "reset_slots"


class StoryExported(Event, frozen=True, kw_only=True):
    TYPE = "export"


class UnknownEvent(Event, frozen=True, kw_only=True):
    """An event of Rasa Pro or of somebody's own, or one of Rasa's with fields of other types: kept as it is."""


def _subclasses(cls: type[Event]) -> list[type[Event]]:
    return [cls, *(below for sub in cls.__subclasses__() for below in _subclasses(sub))]


VOCABULARY: dict[str, type[Event]] = {cls.TYPE: cls for cls in _subclasses(Event) if cls.TYPE}


class Envelope(msgspec.Struct, frozen=True):
    """An event with what names it: conversation, time and digest are its identity wherever it comes from."""

    sender_id: str
    type: str
    timestamp: float
    digest: int  # 64 bits, signed
    data: str  # the JSON text as it was sent
    event: Event


def parse(body: bytes) -> Envelope:
    """Reads one message of an event broker. Raises InvalidMessage for what is not an event."""
    text, raw = _decode(body)
    if not isinstance(raw, dict):
        raise InvalidMessage(f"The message is a JSON {_kind(raw)}; an event is a JSON object.")
    sender_id = _sender_id(raw.pop("sender_id", None))
    event_type = _event_type(raw.get("event"))
    timestamp = _timestamp(raw.get("timestamp"))
    return Envelope(sender_id, event_type, timestamp, digest(raw), text, _typed(event_type, timestamp, raw))


def read(event_type: str, data: str) -> tuple[Event, dict[str, Any]]:
    """The event that `parse` once accepted, from its stored type and JSON text: typed, and as a plain dict."""
    _, raw = _decode(data.encode())
    return _typed(event_type, float(raw["timestamp"]), raw), raw


def digest(raw: dict[str, Any]) -> int:
    """64 bits of blake2b over the event's canonical JSON: keys sorted at every level, without sender_id."""
    try:
        canonical = _encode_sorted(raw)
    except (UnicodeEncodeError, RecursionError):
        canonical = _standard_json(raw)
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest(), "big", signed=True)


_decode_fast = msgspec.json.Decoder().decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _standard_json(raw: dict[str, Any]) -> bytes:
    try:
        return json.dumps(raw, sort_keys=True).encode()
    except RecursionError as error:
        raise InvalidMessage("The message is nested too deeply to be an event.") from error


def _decode(body: bytes) -> tuple[str, Any]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage(f"The message is not UTF-8 text (byte {error.start}).") from error
    try:
        return text, _decode_fast(body)
    except (msgspec.MsgspecError, RecursionError):
        return text, _decode_leniently(text)


def _decode_leniently(text: str) -> Any:
    """Python's json takes what Rasa's json.dumps can write and strict JSON has not: NaN, Infinity, lone surrogates."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise InvalidMessage("The message is nested too deeply to be an event.") from error
    except ValueError as error:
        raise InvalidMessage(f"The message is not JSON: {error}.") from error


def _kind(value: object) -> str:
    names = {list: "list", str: "string", int: "number", float: "number", bool: "boolean"}
    return names.get(type(value), "null")


def _sender_id(value: object) -> str:
    if value is None or value == "":
        raise InvalidMessage("The event has no sender_id, so it belongs to no conversation.")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # some custom channels pass numbers; Rasa's SQL tracker store makes text of them, too
    if not isinstance(value, str):
        raise InvalidMessage(f"sender_id is a JSON {_kind(value)}; it must be a string.")
    if "\x00" in value or not _encodable(value):
        raise InvalidMessage("sender_id holds a NUL character or half a surrogate pair; no database can keep it.")
    return value


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _event_type(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidMessage('The event has no name: its field "event" must be a string such as "user".')
    if len(value) > 255 or "\x00" in value or not _encodable(value):
        raise InvalidMessage("The event's name is longer than 255 characters or holds one that no database can keep.")
    return value


def _timestamp(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidMessage("The event has no timestamp: it must be a number of seconds since 1970.")
    if not 0 <= value < LATEST_TIMESTAMP:
        raise InvalidMessage(f"The timestamp {str(value)[:40]} is no time in seconds between 1970 and the year 10000.")
    return float(value)


def _typed(event_type: str, timestamp: float, raw: dict[str, Any]) -> Event:
    try:
        return msgspec.convert(raw, VOCABULARY.get(event_type, UnknownEvent))
    except (msgspec.ValidationError, RecursionError):
        return UnknownEvent(timestamp=timestamp)
