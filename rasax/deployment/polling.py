"""Asks each Rasa server now and then how it is. Every worker does; who comes first claims the server for a while."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.utils import timezone

from rasax.accounts.sweeping import chore
from rasax.deployment.answers import Status, Version
from rasax.deployment.errors import RasaError
from rasax.deployment.models import RasaServer

EVERY = timedelta(seconds=14)  # a worker's chores come around every 15 s
WAITS = 5.0  # seconds for each of two answers
AT_ONCE = 16

Seen = tuple[Version, Status] | RasaError


@chore
def poll_servers() -> None:
    for server, seen in look_at([server for server in RasaServer.objects.all() if _claim(server)]):
        server.saw(seen)


def _claim(server: RasaServer) -> bool:
    now = timezone.now()
    return bool(RasaServer.objects.filter(pk=server.pk, look_after__lte=now).update(look_after=now + EVERY))


def look_at(servers: Sequence[RasaServer]) -> list[tuple[RasaServer, Seen]]:
    """Side by side, so that one that is down does not keep the others waiting; the database is not asked meanwhile."""
    if not servers:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(servers)), thread_name_prefix="rasa") as pool:
        return list(zip(servers, pool.map(look, servers), strict=True))


def look(server: RasaServer) -> Seen:
    try:
        with server.rasa(timeout=WAITS) as rasa:
            return rasa.version(), rasa.status()
    except RasaError as error:
        return error
