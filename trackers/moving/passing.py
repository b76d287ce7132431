"""What the commands share that take conversations from one place to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import Error

from events.brokers.base import BrokerMisconfigured, BrokerUnavailable
from events.endpoints import EndpointConfig, Endpoints, EndpointsError, read_endpoints
from trackers.moving.bookmark import Bookmark
from trackers.moving.crews import Crew, WorkFailed
from trackers.moving.passage import Passage
from trackers.moving.progress import Progress, duration
from trackers.moving.selection import Selection
from trackers.moving.tally import Tally
from trackers.stores import TrackerStore, TrackerStoreMisconfigured, TrackerStoreUnavailable

AGAIN = "Run the same command again: it goes on where it was."


class PassageCommand(BaseCommand):
    def go(self, selection: Selection, store: TrackerStore, crew: Crew, bookmark: Bookmark, *, start_over: bool) -> str:
        """Runs to the end, from where an earlier run was interrupted; returns how long it took and how fast it was."""
        if start_over:
            bookmark.remove()
        position, tally = bookmark.load()
        if position is not None:
            self.stderr.write(f"Going on after {tally.conversations:,} conversations of an earlier run.", str)
        progress = Progress(
            lambda text: self.stderr.write(text, str, ""), terminal=self.stderr.isatty(), already=Tally(**vars(tally))
        )
        self.tally = Passage(selection.pages(store, position), crew, bookmark, progress, tally).run()
        return f"in {duration(progress.seconds)}, {progress.rate(self.tally):,.0f} events/s"

    def tell_skipped(self, out: OutputWrapper) -> None:
        tally = self.tally
        if tally.n_skipped:
            out.write(f"Skipped {tally.n_skipped:,} conversations:", str)
        for sender_id, reason in tally.skipped:
            out.write(f"  {sender_id}: {reason}", str)
        if tally.n_skipped > len(tally.skipped):
            out.write(f"  and {tally.n_skipped - len(tally.skipped):,} more", str)


@contextmanager
def failures(what: str) -> Iterator[None]:
    """Everything that can be expected to go wrong, as one line."""
    try:
        yield
    except (EndpointsError, TrackerStoreMisconfigured, BrokerMisconfigured) as error:
        raise CommandError(f"{what} cannot be done: {error}") from error
    except (TrackerStoreUnavailable, BrokerUnavailable, WorkFailed, Error) as error:
        raise CommandError(f"{what} stopped: {' '.join(str(error).split())}. {AGAIN}") from error
    except KeyboardInterrupt as error:
        raise CommandError(f"{what} was interrupted. {AGAIN}") from error


def endpoints(path: str) -> tuple[str, Endpoints]:
    """The file's name, and its sections; without a path that of the setting RASA_ENDPOINTS."""
    path = path or settings.RASA_ENDPOINTS
    if not path:
        raise CommandError("Which endpoints.yml? Give its path, or set RASA_ENDPOINTS.")
    return path, read_endpoints(Path(path))


def tracker_store(path: str) -> EndpointConfig:
    name, found = endpoints(path)
    section = found.tracker_store
    if section is None or (section.type or "in_memory").lower() == "in_memory":
        raise CommandError(
            f"{name} names no tracker_store, so Rasa keeps conversations in its memory, where nobody else can read"
            " them; add the section of the store that has them"
        )
    return section
