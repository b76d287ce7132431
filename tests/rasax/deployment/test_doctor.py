"""`manage.py doctor` names each kind of trouble, and what to do."""

import io
import json

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection

from events.brokers.base import Message
from events.models import Conversation
from events.schema.versions import Schema
from rasax.deployment.models import RasaServer
from rasax.redis_cache import OPTIONS
from tests.servers.process import free_port
from tests.servers.redis import RedisServer
from tests.test_settings import manage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def good_settings(settings, tmp_path):
    (tmp_path / "celery").mkdir()
    settings.EVENT_BROKER_URL, settings.RASAX_URL = "memory://doctor", "http://rasax:5002"
    settings.ALLOW_PRIVATE_ADDRESSES = True


def doctor():
    """What it found by its part; whether it calls that a problem."""
    out = io.StringIO()
    try:
        call_command("doctor", json=True, stdout=out)
    except SystemExit as end:
        failed = end.code
    else:
        failed = 0
    found = {}
    for line in out.getvalue().splitlines():
        finding = json.loads(line)
        found.setdefault(finding["part"], []).append(finding)
    return found, failed


def trouble(part):
    found, failed = doctor()
    (finding,) = [finding for finding in found[part] if finding["state"] != "fine"]
    assert finding["advice"]
    assert failed == (finding["state"] == "problem")
    return finding


def test_a_healthy_installation_is_told_so_line_by_line(capsys):
    found, failed = doctor()
    assert not failed
    assert {
        "database",
        "migrations",
        "event broker",
        "Celery broker",
        "cache",
        "live updates",
        "model storage",
    } <= found.keys()
    call_command("doctor")
    told = capsys.readouterr().out
    assert "ok migrations: the schema of rasax" in told.replace("  ", " ")
    assert "→ Start manage.py consume_events" in told


def test_settings_that_do_not_fit(settings):
    settings.CELERY_BROKER_URL = "redis://localhost"
    found, failed = doctor()
    assert failed
    assert any("events.E011" in finding["said"] and finding["advice"] for finding in found["settings"])


def test_a_database_without_its_schema(monkeypatch):
    monkeypatch.setattr(Schema, "missing", [("events", "0999_more")])
    assert "events.0999_more first" in trouble("migrations")["said"]


def test_a_database_of_a_newer_version():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) SELECT app, '0999_of_tomorrow', applied"
            " FROM django_migrations WHERE app = 'events' LIMIT 1"
        )
    finding = trouble("migrations")
    assert "events.0999_of_tomorrow" in finding["said"]
    assert "`manage.py migrate_back events" in finding["advice"]


def test_a_database_that_is_away(tmp_path):
    away = f"postgresql://rasax:secret-words@127.0.0.1:{free_port()}/rasax"
    run = manage(tmp_path, "doctor", DATABASE_URL=away, EVENT_BROKER_URL="memory://doctor")
    assert run.returncode == 1
    assert "!! database: connection to server" in run.stdout
    assert "DATABASE_URL" in run.stdout
    assert "Traceback" not in run.stderr
    assert "secret-words" not in run.stdout


def test_an_event_broker_that_is_away(settings):
    settings.EVENT_BROKER_URL = f"amqp://rasa:secret-words@127.0.0.1:{free_port()}/"
    finding = trouble("event broker")
    assert "RabbitMQ at 127.0.0.1" in finding["said"]
    assert "secret-words" not in str(finding)


def test_a_celery_broker_that_is_away(monkeypatch):
    from celery import current_app
    from kombu import Connection

    away = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
    monkeypatch.setattr(current_app, "connection_for_read", lambda: Connection(away, connect_timeout=1))
    assert "CELERY_BROKER_URL" in trouble("Celery broker")["advice"]


@pytest.fixture
def redis_that_dies(settings):
    with RedisServer() as server:
        settings.REDIS_URL = server.url
        settings.CACHES = {
            "default": {"BACKEND": "rasax.redis_cache.Cache", "LOCATION": server.url, "OPTIONS": OPTIONS}
        }
        layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [server.url]}}
        settings.CHANNEL_LAYERS = {"default": layer}
        yield server


def test_redis_that_answers_and_that_does_not(redis_that_dies):
    found, failed = doctor()
    assert (failed, found["cache"][0]["said"]) == (0, "Redis answers")
    redis_that_dies.kill()
    found, failed = doctor()
    assert failed
    assert {found["cache"][0]["state"], found["live updates"][0]["state"]} == {"problem"}
    assert "REDIS_URL" in found["cache"][0]["advice"]


def test_a_model_storage_that_cannot_be_written(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(storages["models"], "save", lambda *args: (file / "x").touch())
    assert "MODEL_STORAGE_URL" in trouble("model storage")["advice"]


def test_tokens_that_no_key_reads(settings, alice, rasa):
    RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")
    found, _ = doctor()
    assert found["Rasa production"][0]["state"] == "fine"
    settings.ENCRYPTION_KEYS = ["another-key-that-nobody-sealed-anything-with"]
    found, failed = doctor()
    assert failed
    assert found["encryption keys"][0]["said"] == "no key in ENCRYPTION_KEYS opens: Rasa server production"


def test_a_rasa_server_that_is_away(alice):
    RasaServer.objects.add(alice, name="away", url=f"http://127.0.0.1:{free_port()}", use="worker")
    assert "Nothing answers" in trouble("Rasa away")["advice"]


def test_no_event_service_and_rejected_messages_are_warnings():
    Conversation.objects.record([Message(b"no JSON")])
    assert trouble("event service")["state"] == "warning"
    assert "1 are kept" in trouble("rejected messages")["said"]


def test_what_faints_is_a_finding(monkeypatch):
    monkeypatch.setattr("events.live.get_channel_layer", lambda: 1 / 0)
    assert "division by zero" in trouble("live updates")["said"]
