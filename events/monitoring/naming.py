"""What this process is, as logs and metrics name it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

COMMANDS = {"consume_events": "event-service", "migrate_service": "migration-service", "runserver": "web"}


def service(words: Sequence[str] = ()) -> str:
    """web, event-service, worker, beat, migration-service, or the command of manage.py."""
    program, *rest = words or sys.argv or [""]
    if any(name in program for name in ("uvicorn", "gunicorn")):
        return "web"
    if "celery" in program:
        return "beat" if "beat" in rest else "worker"
    if Path(program).name == "manage.py" and rest:
        return COMMANDS.get(rest[0], rest[0])
    return Path(program).stem or "python"
