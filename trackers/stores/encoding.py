"""Events as JSON text, to the byte as Rasa's stores write it."""

from __future__ import annotations

import json
from operator import methodcaller
from time import time
from typing import Any, Dict, List, Sequence

try:
    import msgspec
    from msgspec.json import decode as _decode_fast
except ImportError:  # in a Rasa server's process
    msgspec = None  # type: ignore[assignment]
    _decode_fast = json.loads  # type: ignore[assignment]

encode = json.dumps


def decode(text: Any) -> Any:
    """Raises ValueError. Takes what json.dumps can write and strict JSON has not: NaN, Infinity, lone surrogates."""
    try:
        return _decode_fast(text)
    except (ValueError, RecursionError):
        return _decode_leniently(text)


def _decode_leniently(text: Any) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply to be an event") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None


def decode_all(texts: Sequence[str]) -> list[dict[str, Any]]:
    """The events of these texts; raises ValueError, which says what is wrong with the first that is no event."""
    try:
        # All at once takes half the time; if two broken texts make one whole one, their number tells.
        events = _decode_fast("[" + ",".join(texts) + "]")
        if len(events) == len(texts) and set(map(type, map(_name, events))) <= {str}:
            return events  # type: ignore[no-any-return]
    except (ValueError, RecursionError, TypeError, AttributeError):
        pass
    return [_event(number, text) for number, text in enumerate(texts, 1)]


def slices(text: bytes, name: str) -> list[str] | None:
    """The items of the list `name` in this object, each as it stands in the text; None where that cannot be had."""
    if not msgspec:
        return None
    try:
        items = msgspec.json.decode(text, type=Dict[str, msgspec.Raw])[name]
        return [bytes(item).decode() for item in msgspec.json.decode(items, type=List[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None


def as_events(found: Any) -> list[dict[str, Any]]:
    """`found`, if it is a list of events; else raises ValueError."""
    if not isinstance(found, list):
        raise ValueError("its events are not a list")
    for number, event in enumerate(found, 1):
        if not _is_event(event):
            raise ValueError(f"event {number} is not an object with an event's name")
    return found


def _event(number: int, text: Any) -> dict[str, Any]:
    try:
        event: Any = decode(text) if isinstance(text, (str, bytes)) else None
    except ValueError as error:
        raise ValueError(f"event {number} is {error}") from error
    if not _is_event(event):
        raise ValueError(f"event {number} is not an object with an event's name")
    return event  # type: ignore[no-any-return]


_name = methodcaller("get", "event")


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("event"), str)


def identity(event: dict[str, Any]) -> str:
    """Two events are one if all their fields are equal, whatever the order of their keys."""
    return json.dumps(event, sort_keys=True)


def action_listen() -> dict[str, Any]:
    """What Rasa begins a tracker with, stamped now."""
    return {
        "event": "action",
        "timestamp": time(),
        "name": "action_listen",
        "policy": None,
        "confidence": None,
        "action_text": None,
        "hide_rule_turn": False,
    }
