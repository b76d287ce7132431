"""Databases with all tables and nothing else: migrated once for all processes of a run of the tests, then copied.

A copy takes a hundredth of the time. What is copied was made by the migrations, as a user's database is.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "rasax_migrated"


def migrate(url: str) -> None:
    """Make the tables in the empty database of this URL."""
    if url.startswith("sqlite:///"):
        copy_sqlite(Path(url.removeprefix("sqlite:///")))
    else:
        copy_postgresql(url)


def copy_sqlite(target: Path, name: str = SOURCE, fill: Callable[[str], None] | None = None) -> None:
    """Of the database of that name; `fill` is given its URL when it is first made, to put more into it than tables."""
    source = _folder() / f"{name}.sqlite3"
    with _one_at_a_time():
        if not source.exists():
            made = Path(tempfile.mkdtemp(dir=source.parent)) / source.name
            _migrate(f"sqlite:///{made}")
            if fill:
                fill(f"sqlite:///{made}")
            made.rename(source)  # its write-ahead log ended with the process
    shutil.copy(source, target)


def copy_postgresql(url: str) -> None:
    """The empty database gives way to a copy; PostgreSQL copies what nobody is connected to."""
    name = urlsplit(url).path.removeprefix("/")
    with _one_at_a_time(), closing(psycopg2.connect(_other(url, "postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [SOURCE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SOURCE)))
                _migrate(_other(url, SOURCE))
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, SOURCE))))


def _other(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@cache
def _folder() -> Path:
    """Of this run; a benchmark has one of its own."""
    if shared := os.environ.get("RASAX_TESTS_DIR"):
        return Path(shared)
    own = tempfile.TemporaryDirectory(prefix="rasax-tests-")
    atexit.register(own.cleanup)
    return Path(own.name)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (_folder() / f"{SOURCE}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(url: str) -> None:
    secrets = {"SECRET_KEY": "only-to-migrate-" * 3, "ENCRYPTION_KEYS": "only-to-migrate-" * 3}
    environment = {**secrets, **os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-W", "ignore", "manage.py", "migrate", "-v0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
