"""When two events of two stores are the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import Event, TrackerStore

Identity = Callable[[Event], str]


def coarse_identities(*stores: TrackerStore) -> list[Identity]:
    """Of the stores that do not give back exactly what they were given."""
    return [
        store.identity
        for store in stores
        if isinstance(store, AppendingTrackerStore) and type(store).identity is not AppendingTrackerStore.identity
    ]


def missing(events: Sequence[Event], known: Sequence[Event], coarse: Sequence[Identity]) -> list[int]:
    """The places of those events that are not known yet, each once."""
    left = {encoding.identity(event): number for number, event in reversed(list(enumerate(events)))}
    places = sorted(left.values())
    for identity in (encoding.identity, *coarse):
        there = {identity(event) for event in known}
        places = [place for place in places if identity(events[place]) not in there]
    return places
