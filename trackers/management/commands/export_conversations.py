from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from events import brokers
from trackers.moving import selection
from trackers.moving.bookmark import Bookmark, address
from trackers.moving.crews import Alone
from trackers.moving.exporting import Exporter, Send, to_broker, to_lines
from trackers.moving.passing import PassageCommand, endpoints, failures
from trackers.moving.selection import Selection
from trackers.stores import TrackerStoreUnavailable
from trackers.stores.django import DjangoTrackerStore


class Command(PassageCommand):
    help = (
        "Exports conversations: to an event broker, as `rasa export` does, or as lines of JSON. To a broker it goes on"
        " where it was interrupted; what was sent last is then sent twice, which receivers know as the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        to = parser.add_mutually_exclusive_group(required=True)
        to.add_argument(
            "--to-broker",
            nargs="?",
            const="",
            metavar="ENDPOINTS",
            help="the event_broker of this endpoints.yml; by default that of RASA_ENDPOINTS",
        )
        to.add_argument("--jsonl", metavar="FILE", help="one event a line, as it was sent; - for the standard output")
        selection.add_arguments(parser)
        parser.add_argument(
            "--environment", default="", help="sent along as RASA_ENVIRONMENT, to brokers that carry it"
        )
        parser.add_argument("--start-over", action="store_true", help="forget where an earlier run was interrupted")

    def handle(self, *args: Any, **options: Any) -> None:
        with failures("The export"):
            if options["jsonl"] is not None:
                self._to_lines(options["jsonl"], Selection.of(options))
            else:
                self._to_broker(options)

    def _to_broker(self, options: dict[str, Any]) -> None:
        name, found = endpoints(options["to_broker"])
        if found.event_broker is None:
            raise CommandError(f"{name} has no event_broker section; add one.")
        chosen, environment = Selection.of(options), options["environment"] or None
        broker = brokers.create(found.event_broker)
        bookmark = Bookmark("export", address(found.event_broker), chosen, environment)
        try:
            self._export(to_broker(broker, environment), chosen, bookmark, start_over=options["start_over"])
        finally:
            broker.close()

    def _to_lines(self, path: str, chosen: Selection) -> None:
        try:
            with to_lines(path, self.stdout) as send:
                self._export(send, chosen, Bookmark("lines", str(Path(path).absolute()), chosen), start_over=True)
        except TrackerStoreUnavailable:
            raise
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}. Nothing is there now.") from error

    def _export(self, send: Send, chosen: Selection, bookmark: Bookmark, *, start_over: bool) -> None:
        crew = Alone(Exporter(send, chosen))
        took = self.go(chosen, DjangoTrackerStore(), crew, bookmark, start_over=start_over)
        # The standard output may be where the events go.
        self.stderr.write(
            f"Exported {self.tally.stored:,} events of {self.tally.conversations:,} conversations ({took}).", str
        )
        self.tell_skipped(self.stderr)
