"""What of a store is meant: all conversations or some, and which of their events."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from django.utils import timezone

from trackers.stores.base import Page, Stored, TrackerStore

PAGE_SIZE = 100  # conversations; after a page the position is saved, and each process works at one


@dataclass(frozen=True)
class Selection:
    """`since` is included and `until` is not, as with the timestamps of `rasa export`."""

    sender_ids: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Selection:
        return cls(options["conversation_ids"], options["since"], options["until"])

    def pages(self, store: TrackerStore, after: str | None) -> Iterator[Page]:
        if not self.sender_ids:
            yield from store.pages(after, PAGE_SIZE)
            return
        for start in range(int(after or 0), len(self.sender_ids), PAGE_SIZE):
            some = list(self.sender_ids[start : start + PAGE_SIZE])
            yield Page(some, str(start + len(some)))

    def numbers(self, stored: Stored) -> list[int]:
        """Which of its events are meant, by their place. Raises ConversationUnreadable."""
        return [number for number, event in enumerate(stored.events) if self.takes(event.get("timestamp"))]

    @property
    def takes_all(self) -> bool:
        return self.since is None and self.until is None

    def takes(self, timestamp: Any) -> bool:
        if self.takes_all:
            return True
        if not isinstance(timestamp, int | float):
            return False
        return (self.since is None or timestamp >= self.since) and (self.until is None or timestamp < self.until)

    def missing(self, asked: list[str], found: set[str]) -> list[str]:
        """Those that were asked for by name and are not there."""
        return [sender_id for sender_id in asked if sender_id not in found] if self.sender_ids else []


def add_arguments(parser: ArgumentParser) -> None:
    when = "2026-11-23, 2026-11-23T18:30 (in the setting TIME_ZONE, unless it names a zone), or seconds since 1970"
    parser.add_argument("--since", type=moment, metavar="WHEN", help=f"only events of this time or later: {when}")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="only events before this time")
    parser.add_argument(
        "--conversation-ids", type=_names, default=(), metavar="A,B", help="only these, by sender_id; without it, all"
    )


def moment(text: str) -> float:
    """Seconds since 1970."""
    try:
        seconds = float(text)
    except ValueError:
        return _of_date(text)
    if not isfinite(seconds):
        raise ArgumentTypeError(f"{text!r} is no time")
    return seconds


def _of_date(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else timezone.make_aware(found)).timestamp()
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(
            f"{text!r} is neither a date such as 2026-11-23T18:30 nor a number of seconds since 1970"
        ) from error


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ArgumentTypeError("it names no conversation")
    return names
