"""Misuse of the settings, found at start; each with an id and a hint. docs/settings.md lists them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from events.brokers.base import BrokerMisconfigured
from events.configured import event_broker

SQLITE_WITH_RETURNING = (3, 35)
SHORTEST_KEY = 32
CELERY_SCHEMES = ("amqp://", "amqps://", "filesystem://")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


@checks.register("events")
def check_event_broker(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    """The broker is made but not connected to: one that is down must not stop the web process."""
    if settings.EVENT_BROKER_URL and settings.RASA_ENDPOINTS:
        yield checks.Error(
            "EVENT_BROKER_URL and RASA_ENDPOINTS are both set, and each names an event broker.",
            hint="Unset one of them.",
            id="events.E001",
        )
    elif not settings.EVENT_BROKER_URL and not settings.RASA_ENDPOINTS:
        yield checks.Warning(
            "No event broker is configured, so no conversation will arrive.",
            hint="Set EVENT_BROKER_URL, or RASA_ENDPOINTS to the path of an endpoints.yml.",
            id="events.W001",
        )
    else:
        yield from _unusable_broker()


def _unusable_broker() -> Iterator[checks.CheckMessage]:
    name, id_ = ("EVENT_BROKER_URL", "E003") if settings.EVENT_BROKER_URL else ("RASA_ENDPOINTS", "E002")
    try:
        event_broker().close()
    except BrokerMisconfigured as error:
        yield checks.Error(
            f"{name} names no usable event broker: {error}", hint="See docs/event-brokers.md.", id=f"events.{id_}"
        )


@checks.register("events")
def check_packages(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if find_spec("psycopg"):
        yield checks.Error(
            "psycopg 3 is installed; Django would use it in place of psycopg2, which copies events into PostgreSQL.",
            hint="Run: pip uninstall psycopg psycopg-binary",
            id="events.E004",
        )
    try:
        distribution("Events")
    except PackageNotFoundError:
        return
    yield checks.Error(
        "The package Events is installed; it has the name of this project's own package `events`.",
        hint="Run: pip uninstall Events",
        id="events.E005",
    )


@checks.register(checks.Tags.compatibility)
def check_database(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if engine not in {"postgresql", "sqlite3"}:
        yield checks.Error(
            f"DATABASE_URL names {engine}; conversations are kept in PostgreSQL or SQLite.",
            hint="Set it to postgresql://user:password@host:5432/name or sqlite:///path.",
            id="events.E006",
        )
    if engine == "sqlite3" and sqlite3.sqlite_version_info < SQLITE_WITH_RETURNING:
        yield checks.Error(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 is the first that tells which rows it inserted.",
            hint="Use a newer Python or image, or PostgreSQL.",
            id="events.E007",
        )
    if engine == "postgresql" and not settings.REDIS_URL:
        yield checks.Warning(
            "Without REDIS_URL each web process asks the database five times a second what changed.",
            hint="Set REDIS_URL to redis://host:6379/0.",
            id="events.W002",
        )


@checks.register(checks.Tags.compatibility)
def check_replica(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    engines = [settings.DATABASES[alias]["ENGINE"] for alias in ("default", "replica") if alias in settings.DATABASES]
    if len(engines) == 2 and not all(engine.endswith(".postgresql") for engine in engines):
        yield checks.Error(
            "DATABASE_REPLICA_URL is set, but one of the two databases is not PostgreSQL, which alone has replicas.",
            hint="Unset it, or set both to the addresses of PostgreSQL servers.",
            id="events.E012",
        )


@checks.register("events")
def check_celery_broker(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if not settings.CELERY_BROKER_URL.startswith(CELERY_SCHEMES):
        yield checks.Error(
            "CELERY_BROKER_URL names no broker that carries every job once.",
            hint="Set it to amqp://user:password@host:5672/, or leave it out for a folder.",
            id="events.E011",
        )


@checks.register(checks.Tags.caches)
def check_redis(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if settings.REDIS_URL and not settings.REDIS_URL.startswith(REDIS_SCHEMES):
        yield checks.Error(
            "REDIS_URL is no address of a Redis server.",
            hint="Set it to redis://:password@host:6379/0, or rediss:// for TLS.",
            id="events.E010",
        )


@checks.register(checks.Tags.security)
def check_secrets(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    if settings.DEBUG:
        return
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield checks.Warning(
            f"SECRET_KEY has {len(settings.SECRET_KEY)} characters; whoever guesses it can sign in as anybody.",
            hint=f"Set it to at least {SHORTEST_KEY} random ones, such as the output of: openssl rand -hex 32",
            id="events.W003",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield checks.Warning(
            "ALLOWED_HOSTS is *, so a request may claim any host name.",
            hint="Set it to the names under which people reach this site, separated by commas.",
            id="events.W004",
        )


FOLLOWERS = {
    "EVENT_FOLLOWERS": "Name a function of what a batch really changed.",
    "FORGETTING_FOLLOWERS": "Name a function of the ids of conversations that are deleted.",
    "CORRECTION_FOLLOWERS": "Name a function of the message whose intent was corrected.",
}


@checks.register("events")
def check_followers(**kwargs: Any) -> Iterator[checks.CheckMessage]:
    for name, hint in FOLLOWERS.items():
        yield from uncallable(name, getattr(settings, name), hint, ("events.E008", "events.E009"))


def uncallable(name: str, paths: Iterable[str], hint: str, ids: tuple[str, str]) -> Iterator[checks.CheckMessage]:
    """The dotted paths of a setting that lead nowhere, or to no function; an id for each of the two."""
    for path in paths:
        try:
            found = import_string(path)
        except ImportError as error:
            yield checks.Error(
                f"{name} names {path}, which cannot be imported: {error}", hint="Correct the dotted path.", id=ids[0]
            )
            continue
        if not callable(found):
            yield checks.Error(f"{name} names {path}, which cannot be called.", hint=hint, id=ids[1])
