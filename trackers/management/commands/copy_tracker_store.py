from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from trackers import stores
from trackers.moving import selection
from trackers.moving.bookmark import Bookmark, address
from trackers.moving.copying import Copier
from trackers.moving.crews import Alone, Crew, Threads
from trackers.moving.passing import PassageCommand, failures, tracker_store
from trackers.moving.selection import Selection
from trackers.stores import TrackerStore
from trackers.stores.appending import AppendingTrackerStore


class Command(PassageCommand):
    help = (
        "Copies conversations from one tracker store to another; `type: rasax` is rasax's own database. What the"
        " other has already is not written again; interrupted, it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="FROM", help="an endpoints.yml whose tracker_store is read")
        parser.add_argument("target", metavar="TO", help="an endpoints.yml whose tracker_store is written")
        selection.add_arguments(parser)
        parser.add_argument("--threads", type=int, default=4, help="how many conversations at a time; 4, if unset")
        parser.add_argument("--start-over", action="store_true", help="forget where an earlier run was interrupted")

    def handle(self, *args: Any, **options: Any) -> None:
        with failures("The copy"):
            sections = [tracker_store(options[name]) for name in ("source", "target")]
            if address(sections[0]) == address(sections[1]):
                raise CommandError("Both files name the same tracker store; there is nothing to copy.")
            chosen = Selection.of(options)
            source, target = map(stores.create, sections)
            bookmark = Bookmark("copy", *map(address, sections), chosen)
            crew = _crew(source, target, chosen, options["threads"])
            took = self.go(chosen, source, crew, bookmark, start_over=options["start_over"])
        self.stdout.write(
            f"Copied {self.tally.stored:,} events of {self.tally.conversations:,} conversations ({took});"
            f" {self.tally.repeated:,} were there already."
        )
        self.tell_skipped(self.stdout)


def _crew(source: TrackerStore, target: TrackerStore, chosen: Selection, threads: int) -> Crew:
    """A store of somebody's own need not be fit for threads."""
    if threads < 1:
        raise CommandError("--threads must be at least 1.")
    copier = Copier(source, target, chosen)
    ours = isinstance(source, AppendingTrackerStore) and isinstance(target, AppendingTrackerStore)
    return Threads(threads, copier) if ours and threads > 1 else Alone(copier)
