"""How long a backup and a restore take, and how large the file is: `python -m benchmarks.backup [events]`, or
`--quick` for a fiftieth of them."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import crowd
from benchmarks.ending import end_in_order
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer

EVENTS = 1_000_000


def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="rasax-backup-") as folder, PostgresServer() as postgres:
        show(f"sqlite:///{folder}/from.sqlite3", f"sqlite:///{folder}/to.sqlite3", events)
        show(postgres.create_database("source"), postgres.create_database("target"), events)


def show(source: str, target: str, events: int) -> None:
    """Into a database without tables."""
    with contextlib.ExitStack() as ending, Deployment(source) as full:
        empty = Deployment(target)
        ending.push(empty)
        there, path = crowd.fill(source, events), full.folder / "rasax.backup"
        written = timed(lambda: full.manage("backup", str(path)))
        read = timed(lambda: empty.manage("restore", str(path)))
        assert empty.n_events() == there
        kind, size = source.partition(":")[0], Path(path).stat().st_size / 2**20
    print(f"{kind}: {there} events, backup {written:.1f} s, {size:.0f} MB; restore {read:.1f} s", flush=True)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    end_in_order()
    given = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    main(given[0] if given else EVENTS // 50 if "--quick" in sys.argv else EVENTS)
