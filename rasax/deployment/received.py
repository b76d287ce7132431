"""What Rasa posts to a callback: read in parts, within bounds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import Failed, Job
from rasax.deployment.errors import RasaError, failure_of
from rasax.deployment.exchange import LARGEST
from rasax.deployment.worker_tasks import BROKE_OFF, fail_as_rasa_says

PART = 2**20

TOO_LARGE = gettext_noop("What Rasa sent is larger than rasax takes.")
NO_JSON = gettext_noop("What Rasa sent cannot be read. See its log.")


def is_json(request: HttpRequest) -> bool:
    return (request.content_type or "").lower() == "application/json"


@contextmanager
def model(job: Job, request: HttpRequest) -> Iterator[IO[bytes]]:
    """The archive that Rasa sent, on this machine's disk until the block ends."""
    if is_json(request):
        raise failure(job, request)
    with tempfile.TemporaryFile() as file:
        for part in _parts(job, request, settings.MODEL_SIZE_LIMIT):
            file.write(part)
        file.seek(0)
        yield file


def answer(job: Job, request: HttpRequest) -> Any:
    """JSON that says no failure."""
    body = b"".join(_parts(job, request, LARGEST))
    data = _data(body)
    if isinstance(data, dict) and data.get("status") == "failure":
        raise fail_as_rasa_says(job, _failure(data, body))
    return data


def failure(job: Job, request: HttpRequest) -> Failed:
    body = b"".join(_parts(job, request, PART))
    return fail_as_rasa_says(job, _failure(_data(body), body))


def _failure(data: Any, body: bytes) -> RasaError:
    code = data.get("code") if isinstance(data, dict) else None
    return failure_of(code if isinstance(code, int) else 500, body)


def _data(body: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(body)
    raise Failed(NO_JSON)


def _parts(job: Job, request: HttpRequest, largest: int) -> Iterator[bytes]:
    announced = request.headers.get("Content-Length") or ""
    total, seen = int(announced) if announced.isdecimal() else None, 0
    if total is not None and total > largest:
        raise Failed(TOO_LARGE)
    while part := _read(request):
        seen += len(part)
        if seen > largest:
            raise Failed(TOO_LARGE)
        job.step(seen, total)
        yield part
    if (total is not None and seen < total) or not seen:
        raise Failed(BROKE_OFF)


def _read(request: HttpRequest) -> bytes:
    try:
        return request.read(PART)
    except (UnreadablePostError, OSError) as error:
        raise Failed(BROKE_OFF) from error
