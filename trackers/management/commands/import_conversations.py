from __future__ import annotations

import os
from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from events.endpoints import EndpointConfig
from trackers import stores
from trackers.moving import selection
from trackers.moving.bookmark import Bookmark, address
from trackers.moving.crews import Alone, Crew, Processes
from trackers.moving.importer import Importer
from trackers.moving.passing import PassageCommand, failures, tracker_store
from trackers.moving.selection import Selection
from trackers.stores import TrackerStore


class Command(PassageCommand):
    help = (
        "Imports the conversations of Rasa's tracker store. What is there already is left as it is, so it can be run"
        " any number of times, also while live events arrive; interrupted, it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("endpoints", nargs="?", default="", help="an endpoints.yml; by default RASA_ENDPOINTS")
        selection.add_arguments(parser)
        parser.add_argument("--environment", default="", help="the Rasa server's RASA_ENVIRONMENT")
        parser.add_argument("--processes", type=int, default=_cores(), help="one per core, if unset")
        parser.add_argument("--start-over", action="store_true", help="forget where an earlier run was interrupted")

    def handle(self, *args: Any, **options: Any) -> None:
        with failures("The import"):
            section = tracker_store(options["endpoints"])
            if (section.type or "").lower() == "rasax":
                raise CommandError("This tracker_store is rasax itself; name the one that the conversations are in.")
            chosen = Selection.of(options)
            environment = options["environment"] or None
            store, crew = _open(section, chosen, environment, options["processes"])
            bookmark = Bookmark("import", address(section), chosen, environment)
            took = self.go(chosen, store, crew, bookmark, start_over=options["start_over"])
        self._tell(took)

    def _tell(self, took: str) -> None:
        tally = self.tally
        self.stdout.write(
            f"Imported {tally.stored:,} events of {tally.conversations:,} conversations ({took});"
            f" {tally.repeated:,} were there already."
        )
        if tally.rejected:
            self.stdout.write(
                f"{tally.rejected:,} events cannot be kept and are among the rejected messages at /admin, with reasons."
            )
        self.tell_skipped(self.stdout)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _open(
    section: EndpointConfig, chosen: Selection, environment: str | None, processes: int
) -> tuple[TrackerStore, Crew]:
    """SQLite lets one write at a time."""
    if processes < 1:
        raise CommandError("--processes must be at least 1.")
    if processes == 1 or connection.vendor == "sqlite":
        store = stores.create(section)
        return store, Alone(Importer(store, chosen, environment))
    crew = Processes(processes, partial(Importer.hire, section, chosen, environment))
    return stores.create(section), crew
