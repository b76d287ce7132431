import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from events.partitions.moving import CannotMove, Move
from events.partitions.strays import StillComing, take_in
from events.partitions.tables import are_partitioned, keep_up, months
from events.schema.direct import PooledByTransaction, connect_directly
from events.schema.turns import turn
from events.schema.versions import Schema


class Command(BaseCommand):
    help = (
        "Keeps events apart by month on PostgreSQL, while they come in and are read. May be killed: the next run goes"
        " on. Needs as much free disk as the events take."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--undo", action="store_true", help="back to one table, or end what was begun")
        parser.add_argument(
            "--pause", type=float, default=0, help="seconds of rest after each 10,000 events, for the others"
        )

    def handle(self, *args: Any, undo: bool, pause: float, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError(
                f"Events are kept apart by month on PostgreSQL only, and this database is {connection.display_name}."
                " Nothing was changed."
            )
        connect_directly()
        try:
            with turn(connection, self._waiting):
                self._refuse_old_schema()
                self._move(by_month=not undo, pause=pause)
        except (CannotMove, PooledByTransaction, StillComing) as error:
            raise CommandError(str(error)) from error

    waits = False

    def _waiting(self) -> None:
        if not self.waits:
            self.stderr.write("Another process changes the database's schema; waiting for it.")
        self.waits = True

    def _refuse_old_schema(self) -> None:
        if missing := Schema.read(connection).missing:
            raise CommandError(
                f"{len(missing)} migrations are missing, {'.'.join(missing[0])} first. Run migrate first."
            )

    def _move(self, *, by_month: bool, pause: float) -> None:
        moved = Move(by_month=by_month, tell=self._tell, pause=pause).run()
        if are_partitioned():
            self._tell_of_months(moved)
        else:
            self.stdout.write("Events are in one table." if moved else "Events are in one table already.")

    def _tell(self, what: str) -> None:
        self.stderr.write(what)

    def _tell_of_months(self, moved: bool) -> None:
        made = [] if moved else [*take_in(self._tell), *keep_up(time.time())]
        there = months()
        done = "Events are kept apart by month" if moved else "Events were kept apart by month already"
        more = f", of which {len(made)} are new" if made else ""
        self.stdout.write(f"{done}: {len(there)} tables, {there[0]} to {there[-1]}{more}.")
