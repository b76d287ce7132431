"""A SQLite database with all tables and nothing else, made once for all processes of a run of the tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copy_migrated(target: Path) -> None:
    """A database of one's own, in a hundredth of the time that migrating takes."""
    shutil.copy(migrated(), target)


@cache
def migrated() -> Path:
    """Its path: below the folder of this run, which the workers of pytest-xdist share."""
    folder = Path(os.environ["RASAX_TESTS_DIR"])
    path = folder / "migrated.sqlite3"
    with (folder / "migrated.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _migrate(path)
    return path


def _migrate(path: Path) -> None:
    made = Path(tempfile.mkdtemp(dir=path.parent)) / path.name
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{made}"}
    command = [sys.executable, "-W", "ignore", "manage.py", "migrate", "-v0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    made.rename(path)  # its write-ahead log ended with the process
