"""Databases with all tables and nothing else: migrated once for all processes of a run of the tests, then copied.

A copy takes a hundredth of the time. What is copied was made by the migrations, as a user's database is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
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


def copy_sqlite(target: Path) -> None:
    source = Path(os.environ["RASAX_TESTS_DIR"]) / f"{SOURCE}.sqlite3"
    with _one_at_a_time():
        if not source.exists():
            made = Path(tempfile.mkdtemp(dir=source.parent)) / source.name
            _migrate(f"sqlite:///{made}")
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


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(os.environ["RASAX_TESTS_DIR"]) / f"{SOURCE}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-W", "ignore", "manage.py", "migrate", "-v0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
