"""An event's JSON text with its sender_id and without, spliced: not a byte of the rest changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trackers.stores import encoding


def as_published(sender_id: str, texts: Iterable[str]) -> list[str]:
    """As Rasa publishes what it keeps as `texts`: with the sender_id first."""
    start = _named(sender_id) + ", "
    return [
        "{" + start + text[1:] if _is_spliceable(text) else encoding.encode({"sender_id": sender_id, **_others(text)})
        for text in texts
    ]


def as_exported(sender_id: str, data: str) -> str:
    """As `rasa export` publishes it: with the sender_id last."""
    kept = as_kept(sender_id, data)
    return f"{kept[:-1]}{', ' if len(kept) > 2 else ''}{_named(sender_id)}}}"


def as_kept(sender_id: str, data: str) -> str:
    """As a tracker store keeps it: without sender_id."""
    named = _named(sender_id)
    if data.startswith(f"{{{named}, "):
        return "{" + data[len(named) + 3 :].rstrip()
    # Inside a text the quotes would be escaped, and inside another object one more brace would follow.
    if data.endswith(f", {named}}}"):
        return data[: -len(named) - 3] + "}"
    return encoding.encode(_others(data))


def on_one_line(data: str) -> str:
    """JSON has line breaks only where a space would do."""
    return data.replace("\r", " ").replace("\n", " ") if "\n" in data or "\r" in data else data


def _named(sender_id: str) -> str:
    return '"sender_id": ' + encoding.encode(sender_id)


def _is_spliceable(text: str) -> bool:
    return text.startswith('{"') and '"sender_id"' not in text


def _others(text: str) -> dict[str, Any]:
    event = encoding.decode(text)
    if not isinstance(event, dict):
        raise ValueError("it is JSON, but no object, so no event")
    return {name: value for name, value in event.items() if name != "sender_id"}
