"""Whether everything that rasax connects to answers, and whether the settings fit: what is wrong, and what to do.

Each examination is a generator of findings. One that raises is a finding itself: a doctor that faints tells nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.core import checks
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, connections
from django_redis import get_redis_connection

from events import live, replica, stamps
from events.brokers.base import BrokerMisconfigured, BrokerUnavailable
from events.configured import event_broker
from events.models import Heartbeat, RejectedMessage
from events.partitions import strays
from events.partitions.months import Month
from events.partitions.moving import is_moving
from events.partitions.tables import are_partitioned, months
from events.schema.running import read_status
from events.schema.versions import Schema, WrongSchema
from rasax.accounts.encrypted import unreadable
from rasax.deployment.errors import RasaError
from rasax.deployment.models import RasaServer
from rasax.deployment.polling import look_at

FINE, WARNING, PROBLEM = "fine", "warning", "problem"
WAITS = 5  # seconds for a broker that does not answer


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do where `state` is not fine."""

    part: str
    state: str
    said: str
    advice: str = ""


Findings = Iterator[Finding]


def examine() -> Findings:
    """In an order in which the first trouble is often the cause of the next."""
    yield from _attempt(SETTINGS)
    database = list(_attempt(DATABASE))
    yield from database
    for examination in WITHOUT_DATABASE:
        yield from _attempt(examination)
    if not any(finding.state == PROBLEM for finding in database):
        for examination in WITH_DATABASE:
            yield from _attempt(examination)


@dataclass(frozen=True)
class Examination:
    part: str
    look: Callable[[], Findings]
    advice: str


def _attempt(examination: Examination) -> Findings:
    try:
        yield from examination.look()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        yield Finding(examination.part, PROBLEM, said, examination.advice)


def _settings() -> Findings:
    messages = [message for message in checks.run_checks() if not message.is_silenced()]
    for message in messages:
        state = PROBLEM if message.is_serious() else WARNING
        yield Finding("settings", state, f"{message.msg} ({message.id})", str(message.hint or ""))
    if not messages:
        yield Finding("settings", FINE, "they fit together")


def _database() -> Findings:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield Finding("database", FINE, f"{connection.display_name} answers in {1000 * (time.monotonic() - began):.0f} ms")
    schema = Schema.read(connection)
    status = read_status(connection, schema)
    try:
        schema.refuse_wrong(by=status.version)
    except WrongSchema as error:
        yield Finding("migrations", PROBLEM, error.what, error.advice)
        return
    if schema.missing:
        said = f"{len(schema.missing)} are missing, {'.'.join(schema.missing[0])} first; {status.error or status}"
        yield Finding(
            "migrations", PROBLEM, said, "Run manage.py migrate, or look at the log of the migration service."
        )
    else:
        yield Finding("migrations", FINE, f"the schema of rasax {settings.VERSION}")


def _replica() -> Findings:
    if not replica.is_configured():
        return
    primary, copy = stamps.read(), stamps.read(replica.ALIAS)
    with connections[replica.ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if not cursor.fetchone()[0]:
            said = "it is no standby: it takes writes of its own"
            yield Finding("read replica", WARNING, said, "Make it a streaming replica of the primary, or unset it.")
    if copy.moved_at < min(primary.moved_at, primary.at - replica.BEHIND):
        said = f"its latest change is {primary.moved_at - copy.moved_at:.0f} s older than the primary's"
        yield Finding("read replica", WARNING, said, REPLICA)
    else:
        yield Finding("read replica", FINE, "it answers, and keeps up")


def _event_broker() -> Findings:
    if not (settings.EVENT_BROKER_URL or settings.RASA_ENDPOINTS):
        return  # the settings' checks say so
    broker = event_broker()
    try:
        depth = broker.depth()
    except (BrokerUnavailable, BrokerMisconfigured) as error:
        advice = "Start it, or correct EVENT_BROKER_URL or the endpoints.yml (docs/event-brokers.md)."
        yield Finding("event broker", PROBLEM, str(error), advice)
    else:
        waiting = "" if depth is None else f", {depth} messages wait"
        yield Finding("event broker", FINE, f"{type(broker).__name__} answers{waiting}")
    finally:
        broker.close()


def _celery_broker() -> Findings:
    with current_app.connection_for_read() as celery:
        celery.ensure_connection(max_retries=1, timeout=WAITS)
        yield Finding("Celery broker", FINE, f"{celery.transport.driver_name} answers")


def _cache() -> Findings:
    if settings.REDIS_URL:
        get_redis_connection().ping()  # the cache itself would do without, and say nothing
    key, value = f"doctor:{uuid4().hex}", uuid4().hex
    cache.set(key, value, 10)
    if cache.get(key) != value:
        yield Finding("cache", PROBLEM, "it does not keep what it was given", REDIS)
        return
    cache.delete(key)
    yield Finding("cache", FINE, "Redis answers" if settings.REDIS_URL else "each process has one of its own")


def _live_updates() -> Findings:
    live.try_out()
    how = "over Redis" if settings.REDIS_URL else "by looking into the database"
    yield Finding("live updates", FINE, f"browsers are told {how}")


def _model_storage() -> Findings:
    storage = storages["models"]
    name = storage.save(f"doctor-{uuid4().hex}", ContentFile(b"rasax"))
    with storage.open(name) as file:
        kept = file.read() == b"rasax"
    storage.delete(name)
    state = FINE if kept else PROBLEM
    yield Finding("model storage", state, "it keeps files" if kept else "it gives back other bytes", STORAGE)


def _encryption_keys() -> Findings:
    lost = unreadable()
    for setting, names in lost.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        said = f"no key in {KEYS[setting]} opens: {', '.join(names[:NAMED])}{more}"
        yield Finding("encryption keys", PROBLEM, said, LOST[setting])
    if not lost:
        yield Finding("encryption keys", FINE, "they open everything that is encrypted")


def _event_service() -> Findings:
    alive = Heartbeat.objects.alive().count()
    if alive:
        yield Finding("event service", FINE, f"{alive} worked within the last 20 s")
    else:
        advice = "Start manage.py consume_events, or celery -A rasax worker; its log says why it ended."
        yield Finding("event service", WARNING, "none worked within the last 20 s", advice)
    if rejected := RejectedMessage.objects.count():
        advice = "Read why at /settings/rejected/, then replay or delete them."
        yield Finding("rejected messages", WARNING, f"{rejected} are kept", advice)


def _event_table() -> Findings:
    if is_moving():
        advice = "Run manage.py partition_events again; with --undo it is taken back. Until then each is written twice."
        yield Finding(
            "event table", WARNING, "events are on their way to another table, and nobody may move them", advice
        )
    elif are_partitioned():
        last = max(months())
        fine = last > Month.of(time.time())
        advice = "" if fine else "Run manage.py partition_events, and look why no event service makes them (its log)."
        yield Finding("event table", FINE if fine else WARNING, f"apart by month, which are made until {last}", advice)
        if left := strays.many():
            said = f"{sum(left.values()):,} events of {', '.join(map(str, left))} have no table of their month"
            advice = "Run manage.py partition_events when the import that brought them has ended."
            yield Finding("event table", WARNING, said, advice)


def _rasa_servers() -> Findings:
    for server, seen in look_at(list(RasaServer.objects.all())):
        part = f"Rasa {server.name}"
        if isinstance(seen, RasaError):
            yield Finding(part, PROBLEM, f"{server.url}: {seen.reason.value}", str(seen))
        else:
            yield Finding(part, FINE, f"{server.url} answers, version {seen[0].version}")


NAMED = 10
KEYS = {"ENCRYPTION_KEYS": "ENCRYPTION_KEYS", "SECRET_KEY": "SECRET_KEY and SECRET_KEY_FALLBACKS"}
LOST = {
    "ENCRYPTION_KEYS": (
        "Put the old key back at the end of ENCRYPTION_KEYS. Where it is gone: enter the tokens of Rasa servers again,"
        " connect git repositories again, revoke the guest links and share new ones."
    ),
    "SECRET_KEY": (
        "Put the old key into SECRET_KEY_FALLBACKS. Where it is gone: an administrator turns these second factors off"
        " on the pages of their people, who set up new ones."
    ),
}
REPLICA = "Start it, or correct DATABASE_REPLICA_URL; until it follows, everything is read from the primary."
REDIS = "Start Redis, or correct REDIS_URL; without it rasax works, slower."
STORAGE = "Correct MODEL_STORAGE_URL, and let this account write there; a folder must be one that web and worker share."
SETTINGS = Examination("settings", _settings, "Correct them; docs/settings.md explains each.")
DATABASE = Examination("database", _database, "Start it, or correct DATABASE_URL.")
WITHOUT_DATABASE = [
    Examination(
        "event broker", _event_broker, "Correct EVENT_BROKER_URL, or the endpoints.yml that RASA_ENDPOINTS names."
    ),
    Examination("Celery broker", _celery_broker, "Start it, or correct CELERY_BROKER_URL; jobs wait until then."),
    Examination("cache", _cache, REDIS),
    Examination("live updates", _live_updates, REDIS),
    Examination("model storage", _model_storage, STORAGE),
]
WITH_DATABASE = [
    Examination("read replica", _replica, REPLICA),
    Examination("encryption keys", _encryption_keys, "Correct ENCRYPTION_KEYS."),
    Examination("event service", _event_service, "Look at its log."),
    Examination("event table", _event_table, "Look at the database's log."),
    Examination("Rasa servers", _rasa_servers, "Correct them at /settings/environments/."),
]
