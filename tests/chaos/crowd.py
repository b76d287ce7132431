"""Migration services that start in the same instant, some of which are killed: `python -m tests.chaos.crowd`.

Reads crowds from its input, one JSON object a line: {"url", "work", "size", "n_killed", "seed"}; answers each with how
its members ended. They are forks of one process that has everything imported, so that they really start at once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command

ERROR = 70
KILLED_WITHIN = 2.0  # seconds; a migration of an empty database takes as long, alone
OLD = [("conversations", "0001"), ("deployment", "0001"), ("accounts", "0001"), ("events", "0001")]


def serve() -> None:
    call_command("migrate_service", host="127.0.0.1", port=0, linger=0, verbosity=0)


def plain() -> None:
    """What Django does without us."""
    from django.core.management.commands import migrate
    from django.db.migrations.executor import MigrationExecutor

    migrate.MigrationExecutor = MigrationExecutor  # type: ignore[misc]
    call_command(migrate.Command(), interactive=False, verbosity=0)


def age() -> None:
    """Migrates as far as an old rasax did."""
    for app, name in OLD:
        call_command("migrate", app, name, verbosity=0)


WORKS = {work.__name__: work for work in (serve, plain, age)}


def connect_to(url: str) -> None:
    from django.db import connections

    from rasax.settings import _database

    connections["default"]
    del connections["default"]
    connections.databases["default"].update({"OPTIONS": {}} | _database(url))


def fork(gate: int, opener: int, url: str, work: Callable[[], None]) -> int:
    """A child that begins once nobody holds the opener any more."""
    if child := os.fork():
        return child
    try:
        os.dup2(2, 1)  # what it logs is no answer
        connect_to(url)
        os.close(opener)
        os.read(gate, 1)
        work()
    except SystemExit as end:
        os._exit(int(end.code or 0))
    except BaseException as error:  # noqa: BLE001 - a child must not go on as its parent
        sys.stderr.write(f"{error!r}\n")
        os._exit(ERROR)
    os._exit(0)


def crowd(url: str, work: str, size: int, n_killed: int, seed: int) -> dict[str, list[int]]:
    chance = random.Random(seed)
    gate, opener = os.pipe()
    children = [fork(gate, opener, url, WORKS[work]) for _ in range(size)]
    victims = chance.sample(children, n_killed)
    os.close(opener)
    os.close(gate)
    began = time.monotonic()
    for victim, at in zip(victims, sorted(chance.uniform(0, KILLED_WITHIN) for _ in victims), strict=True):
        time.sleep(max(0.0, began + at - time.monotonic()))
        os.kill(victim, signal.SIGKILL)
    ends = {child: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    return {
        "killed": [ends[child] for child in victims],
        "ended": [code for child, code in ends.items() if child not in victims],
    }


def answer(line: str) -> None:
    asked: dict[str, Any] = json.loads(line)
    print(json.dumps(crowd(**asked)), flush=True)


if __name__ == "__main__":
    django.setup()
    from django.db.migrations.loader import MigrationLoader

    MigrationLoader(None)  # imports every migration
    for line in sys.stdin:
        answer(line)
