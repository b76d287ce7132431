"""Installations that are only a database and a folder of models: `python -m tests.installations`.

Reads what is to be done, one JSON object a line, and answers each with how that ended. A fork of one process that has
everything imported does it, in a tenth of the time of manage.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.deployment import ROOT

UNTIL = 100_000  # events; somebody ends it before
TOMORROW = {"VERSION": "99.0", "MIGRATION_MODULES": {"events": "tests.tomorrow.migrations"}}


class Crew:
    """The process that does it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.installations"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *args: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())  # type: ignore[union-attr]


@dataclass
class Installation:
    """`settings` are what differs from those of the tests."""

    crew: Crew
    url: str
    models: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def _ask(self, work: str, *arguments: Any, background: bool = False) -> dict[str, Any]:
        asked = {"url": self.url, "models": str(self.models), "settings": self.settings}
        return self.crew.ask({**asked, "work": work, "with": arguments, "background": background})

    def do(self, work: str, *arguments: Any) -> Any:
        answer = self._ask(work, *arguments)
        assert answer["code"] == 0, answer["said"]
        return answer["result"]

    def ends(self, work: str, *arguments: Any) -> int:
        """Its exit code, or less than 0 for the signal that killed it."""
        return int(self._ask(work, *arguments)["code"])

    @contextlib.contextmanager
    def doing(self, work: str) -> Iterator[None]:
        """Meanwhile, by another process."""
        pid = self._ask(work, background=True)["result"]
        yield
        os.kill(pid, signal.SIGKILL)

    def manage(self, *arguments: str) -> str:
        answer = self._ask("manage", *arguments)
        assert answer["code"] == 0, answer["said"]
        return str(answer["said"])

    def fails(self, *arguments: str) -> str:
        answer = self._ask("manage", *arguments)
        assert answer["code"] != 0, answer["said"]
        return str(answer["said"])

    def contents(self) -> dict[str, Any]:
        """A digest of each table and of each model file."""
        files = {path.name: sha256(path.read_bytes()).hexdigest() for path in self.models.glob("*")}
        return {**self.do("digests"), "files": files}


def manage(*arguments: str) -> None:
    from django.core.management import ManagementUtility

    ManagementUtility(["manage.py", *arguments]).execute()


def fill() -> None:
    """A row of everything, recorded conversations, and letters that a format may stumble over."""
    from django.contrib.auth.models import Group

    from events.brokers.base import Message
    from events.models import Conversation
    from rasax.accounts.models import User
    from rasax.deployment.models import RasaServer
    from tests.everything import keep_everything
    from tests.rasa import recorded, said

    letters = 'tab\t, line\n, \\N, \\, "quoted", \x0b, é, 日本, 😀'
    strange = Message(said(letters, sender_id="strange").body, recorded()[0].environment)
    Conversation.objects.record([*recorded(), strange, Message(b"no event")])
    people = [User.objects.create_user(name, password=f"{name}-secret-words") for name in ("alice", "bob")]
    people[1].groups.add(Group.objects.get(name="annotator"))
    keep_everything(*people)
    server = RasaServer.objects.get()
    server.give_token("tok3n")
    server.save()


def digests() -> dict[str, str]:
    """Of what Django reads from each table, whatever the database."""
    from django.apps import apps

    from events.models import Heartbeat

    every = apps.get_models(include_auto_created=True)
    ours = [model for model in every if model._meta.managed and model is not Heartbeat]
    return {model._meta.db_table: _digest(model) for model in ours}


def _digest(model: Any) -> str:
    rows = model._base_manager.order_by("pk").values_list()
    return f"{len(rows)} {sha256(json.dumps([_plain(row) for row in rows], sort_keys=True).encode()).hexdigest()}"


def _plain(row: Any) -> list[Any]:
    values = (bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value for value in row)
    return [value if isinstance(value, (dict, list, int, float, type(None))) else str(value) for value in values]


def write_on() -> None:
    """Events of some conversations, in small batches, until it is ended."""
    from events.models import Conversation
    from tests.rasa import said

    for number in range(0, UNTIL, 5):
        these = range(number, number + 5)
        Conversation.objects.record([said(f"word {n}", sender_id=f"ann-{n % 7}", timestamp=1e9 + n) for n in these])


def wait_for_events(number: int) -> None:
    from events.models import Event

    deadline = time.monotonic() + 30
    while Event.objects.count() < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def counted() -> list[int]:
    """Events that there are, and that conversations say they have."""
    from django.db.models import Sum

    from events.models import Conversation, Event

    return [Event.objects.count(), Conversation.objects.aggregate(all=Sum("n_events"))["all"]]


def more() -> None:
    """Rows that get the next numbers."""
    from events.models import Conversation
    from rasax.conversations.models import Tag
    from tests.rasa import said

    Conversation.objects.record([said("one more", sender_id="one-more")])
    Tag.objects.called("one more")


def pipe(path: str) -> None:
    """As the shell does with `backup - > path`."""
    with Path(path).open("wb") as out:
        os.dup2(out.fileno(), 1)
    sys.stdout = sys.__stdout__
    manage("backup", "-")


def token() -> str:
    from rasax.accounts.sealing import unseal
    from rasax.deployment.models import RasaServer

    return unseal(RasaServer.objects.get().sealed_token)


def found(word: str) -> int:
    """In how many conversations it was said, by the index of words."""
    from events import search
    from events.models import Event

    return Event.objects.filter(search.saying(word)).values("conversation").distinct().count()


def die_restoring(*arguments: str) -> None:
    """As when the machine goes off: while the tables are made (`migrate`), or before a table's rows are committed."""
    from events.schema.executing import WholeStepsExecutor
    from rasax.deployment.backup import restoring

    *options, where = arguments
    write, migrate = restoring._write, WholeStepsExecutor.migrate

    def write_and_die(name: str, *more: Any) -> None:
        write(name, *more)
        if name == where:
            os.kill(os.getpid(), signal.SIGKILL)

    def migrate_and_die(self: Any, targets: list[Any], *more: Any, **options: Any) -> Any:
        if where == "migrate":
            migrate(self, targets[:1], *more, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        return migrate(self, targets, *more, **options)

    restoring._write, WholeStepsExecutor.migrate = write_and_die, migrate_and_die  # type: ignore[method-assign]
    manage("restore", *options)


def refused() -> str:
    """What a service says that would start now; empty where it would work."""
    from events.schema.versions import WrongSchema
    from events.schema.waiting import look

    try:
        look()
    except WrongSchema as error:
        return str(error)
    return ""


def without_a_month() -> int:
    """Events, where they are apart by month; but for those of a clock that is wrong."""
    from django.db import connection

    from events.partitions.months import FIRST, OTHER

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {OTHER} WHERE timestamp >= %s", [FIRST.start])
        return int(cursor.fetchone()[0])


def beat() -> None:
    """As an event service does, until it is ended."""
    from django.utils import timezone

    from events.models import Heartbeat

    while True:
        Heartbeat.objects.beat("host:1", started_at=timezone.now(), beat_at=timezone.now())
        time.sleep(0.2)


def wait_for_beat() -> None:
    from events.models import Heartbeat

    while not Heartbeat.objects.exists():
        time.sleep(0.05)


WORKS: dict[str, Callable[..., Any]] = {
    work.__name__: work
    for work in (
        manage,
        fill,
        digests,
        write_on,
        wait_for_events,
        counted,
        more,
        pipe,
        token,
        found,
        beat,
        wait_for_beat,
        die_restoring,
        refused,
        without_a_month,
    )
}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as result:
        if not (child := os.fork()):
            os._exit(_do(asked, said, result))
        if asked["background"]:
            return {"result": child}
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (said, result):
            file.seek(0)
        return {"code": code, "said": said.read(), "result": json.loads(result.read() or "null")}


def _do(asked: dict[str, Any], said: Any, result: Any) -> int:
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            _become(asked)
            json.dump(WORKS[asked["work"]](*asked["with"]), result)
        except SystemExit as end:
            return int(end.code or 0)
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
            return 1
        finally:
            said.flush()
            result.flush()
    return 0


def _become(asked: dict[str, Any]) -> None:
    from django.conf import settings
    from django.core.files.storage import storages

    from rasax.deployment.models import Model
    from rasax.model_storage import model_storage
    from tests.chaos.crowd import connect_to

    for name, value in asked["settings"].items():
        setattr(settings, name, value)
    connect_to(asked["url"])
    storages.backends["models"] = model_storage(f"file://{asked['models']}")
    storages._storages.pop("models", None)
    Model._meta.get_field("file").storage = storages["models"]


if __name__ == "__main__":
    import django

    django.setup()
    from django.db.migrations.loader import MigrationLoader

    MigrationLoader(None)  # imports every migration
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
