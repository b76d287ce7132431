"""rasax as its users run it: processes of its own, configured by their environment, on real servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from tests.migrated import migrate

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
NOT_OURS = {"REDIS_URL", "RASA_ENDPOINTS", "DATABASE_REPLICA_URL"}


class Deployment:
    """One database and one event broker; any number of processes. Ends what it started."""

    def __init__(self, database_url: str, broker_url: str = "", **environment: str) -> None:
        self.database_url = database_url
        self.folder = Path(tempfile.mkdtemp(prefix="rasax-deployment-"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in NOT_OURS},
            "DATABASE_URL": database_url,
            "EVENT_BROKER_URL": broker_url,
            "RASAX_RUN_DIR": str(self.folder / "run"),
            "SECRET_KEY": "a-long-text-that-only-the-tests-know-0123456789",
            "ENCRYPTION_KEYS": "a-key-that-only-the-tests-know-0123456789",
            "DJANGO_SETTINGS_MODULE": "rasax.settings",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }

    def __enter__(self) -> Deployment:
        migrate(self.database_url)
        return self

    def __exit__(self, *args: object) -> None:
        for process in self.processes:
            self.kill(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [PYTHON, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        number = len(self.processes)
        return self.start("-m", "celery", "-A", "rasax", "worker", "-n", f"worker{number}@%h", "--without-gossip")

    def start_event_service(self) -> subprocess.Popen[bytes]:
        return self.start("manage.py", "consume_events")

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """At once and with all it started, as the kernel does when memory runs out."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')}" for path in sorted(self.folder.glob("*.log"))
        )

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query; PostgreSQL only."""
        connection = psycopg2.connect(self.database_url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def n_events(self) -> int:
        if urlsplit(self.database_url).scheme == "sqlite":
            return self._n_events_in_sqlite()
        return int(self.ask("SELECT count(*) FROM events_event")[0][0])

    def _n_events_in_sqlite(self) -> int:
        import sqlite3

        with sqlite3.connect(urlsplit(self.database_url).path, timeout=20) as connection:
            return int(connection.execute("SELECT count(*) FROM events_event").fetchone()[0])

    def wait_for_events(self, number: int, *, seconds: float = 60) -> None:
        self.wait_until(lambda: self.n_events() >= number, f"{number} events", seconds)

    def wait_until(self, true: Callable[[], bool], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if true():
                    return
            except psycopg2.OperationalError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"No {what} within {seconds:.0f} s.\n{self.log()[-6000:]}")
