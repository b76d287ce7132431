"""What the web process tells of itself, before any page, without a session, and while every page thread is busy."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import Any

from events.monitoring import exposition, metrics
from events.monitoring.exposition import Page
from events.monitoring.probes import OK, Answer, Probe, database, live
from rasax.migrating import readiness

OURS = {"/health/live", "/health/ready", "/metrics"}


@functools.cache
def _probe() -> Probe:
    """Neither Redis nor a broker: without them pages are slower, jobs and live updates late, and nothing is wrong."""
    return Probe(database=database, pages=lambda: OK if readiness.is_ready else "wait for the database's schema")


def with_monitoring(pages: Any) -> Any:
    """An ASGI application of HTTP that answers these paths itself; all else goes to `pages`."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] in OURS and scope["method"] in {"GET", "HEAD"}:
            await _answer(send, *await _page(scope))
        else:
            with metrics.REQUESTS.track_inprogress():
                await pages(scope, receive, send)

    return application


async def _page(scope: Any) -> Page:
    if scope["path"] == "/metrics":
        return await _metrics(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
    return _as_json(live() if scope["path"] == "/health/live" else await _probe().ask_async())


async def _metrics(authorization: str) -> Page:
    if refused := exposition.refused(authorization, open_without_token=False):
        return refused
    return await asyncio.to_thread(exposition.told, await _probe().ask_async())


def _as_json(answer: Answer) -> Page:
    return answer[0], "application/json", json.dumps(answer[1]).encode()


async def _answer(send: Any, status: int, kind: str, body: bytes) -> None:
    headers = {
        b"content-type": kind.encode(),
        b"content-length": str(len(body)).encode(),
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
    }
    await send({"type": "http.response.start", "status": status, "headers": list(headers.items())})
    await send({"type": "http.response.body", "body": body})
