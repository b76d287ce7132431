"""How log lines look: both kinds of logger, structlog's and the standard library's, come to one formatter.

What must not be in them, `redaction` takes out: no token, no password, no query, nothing that people said.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.types import EventDict

from events.monitoring.naming import service
from events.monitoring.redaction import trace_of, without_paths, without_secrets, words_of

FORMATS = ("plain", "json")
LONGEST = 1_000  # characters of a value, but for tracebacks


def logging_settings(how: str, level: str, *, access: bool, quoting: bool) -> dict[str, Any]:
    """Django's LOGGING. `level` is for our own lines: at DEBUG, libraries would tell of bodies and headers."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _to_logging],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.captureWarnings(True)
    theirs = logging.getLevelName(max(logging.getLevelNamesMapping()[level], logging.INFO))
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Lines, "how": how, "quoting": quoting}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": theirs},
        "loggers": {
            **{name: {"level": level} for name in ("events", "trackers", "rasax")},
            "rasax.access": {"level": "INFO" if access else "WARNING"},
            "axes": {"level": "WARNING"},  # it would tell of every signing in; the audit log does
            "httpx": {"level": "WARNING"},  # it would tell addresses with the tokens in them
            "httpcore": {"level": "WARNING"},
            # Our own lines have the pattern of a path; these have the path, and all that is asked.
            "uvicorn.access": {"handlers": [], "propagate": False},
            **{name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error", "django")},
        },
    }


def _to_logging(logger: Any, method: str, line: EventDict) -> tuple[tuple[Any], dict[str, Any]]:
    said, raised = line.pop("event"), line.pop("exc_info", None)
    return (said,), {"exc_info": raised, "extra": {"fields": line}}


class Lines(logging.Formatter):
    """JSON, or words for people. With `quoting`, errors may say all that they say: for development only."""

    def __init__(self, how: str, quoting: bool) -> None:
        super().__init__()
        self.render = _as_json if how == "json" else _as_text
        self.quoting = quoting
        self.service = service()

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._text(without_paths(record)),
            "service": self.service,
            **structlog.contextvars.get_contextvars(),
            **{key: self._value(value) for key, value in getattr(record, "fields", {}).items() if value is not None},
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = without_secrets(trace_of(record.exc_info[1], self.quoting))
        return self.render(line)

    def _value(self, value: Any) -> Any:
        if isinstance(value, BaseException):
            return self._text(words_of(value, self.quoting))
        return value if isinstance(value, int | float | bool) else self._text(str(value))

    def _text(self, text: str) -> str:
        """One line: what a database says in further ones shows rows, and nobody forges a line of ours."""
        first, *more = text.strip().splitlines() or [""]
        return without_secrets(first[:LONGEST]) + (" …" if more else "")


def _as_json(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False)


def _as_text(line: dict[str, Any]) -> str:
    line.pop("service")
    trace = line.pop("exception", None)
    first = " ".join(str(line.pop(key)) for key in ("time", "level", "logger", "message"))
    more = " ".join(f"{key}={value!r}" for key, value in line.items())
    return "\n".join(part for part in (f"{first} {more}".rstrip(), trace) if part)
