"""Tracker store → tracker store. What the target has already is not written again, and nothing there is changed."""

from __future__ import annotations

import asyncio
from typing import Any

from trackers.moving.sameness import coarse_identities, missing
from trackers.moving.selection import Selection
from trackers.moving.tally import Tally
from trackers.stores.appending import AppendingTrackerStore, Unsaved
from trackers.stores.base import Event, Stored, TrackerStore, TrackerStoreMisconfigured

_NOTHING = Stored("", None, events=[])


class Copier:
    """Threads may share it if both stores are ours."""

    def __init__(self, source: TrackerStore, target: TrackerStore, selection: Selection) -> None:
        self._source, self._target = source, target
        self._selection = selection
        self._coarse = coarse_identities(source, target)

    def take(self, sender_ids: list[str]) -> Tally:
        tally = Tally()
        there = {stored.sender_id: stored for stored in self._target.read(sender_ids)}
        found: set[str] = set()
        for stored in self._source.read(sender_ids):
            found.add(stored.sender_id)
            self._copy(stored, there.pop(stored.sender_id, None), tally)
        for sender_id in self._selection.missing(sender_ids, found):
            tally.skip(sender_id, "the tracker store has no such conversation")
        return tally

    def _copy(self, stored: Stored, there: Stored | None, tally: Tally) -> None:
        tally.conversations += 1
        try:
            events = [stored.events[number] for number in self._selection.numbers(stored)]
            new = missing(events, (there or _NOTHING).events, self._coarse)
            if new:
                self._write(stored.sender_id, events, new, there)
        except TrackerStoreMisconfigured:
            raise
        except ValueError as error:  # this conversation is too large, or cannot be read, or not be kept there
            tally.skip(stored.sender_id, error)
        else:
            tally.stored += len(new)
            tally.repeated += len(events) - len(new)

    def _write(self, sender_id: str, events: list[Event], new: list[int], there: Stored | None) -> None:
        if not isinstance(self._target, AppendingTrackerStore):
            asyncio.run(self._target.save(self._target.tracker_of(sender_id, events)))
            return
        tracker = Tracker(self._target, sender_id, events)
        unsaved = Unsaved([events[number] for number in new], there and there.version, whole=False)
        self._target.sync.write(tracker, unsaved)

    def close(self) -> None:
        self._source.close()
        self._target.close()


class Tracker:
    """Stands for a tracker, which is made only for a store that keeps its state."""

    def __init__(self, store: TrackerStore, sender_id: str, events: list[Event]) -> None:
        self._store = store
        self.sender_id = sender_id
        self.events = events

    def current_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._store.tracker_of(self.sender_id, self.events).current_state()
        return state
