"""The migration: what it tells while it works, how it fails, and tables that are in use."""

import json
import threading
import urllib.error
import urllib.request

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection, migrations, transaction
from django.test import Client

from events.management.commands import migrate, migrate_service
from events.monitoring.server import MonitoringServer
from events.schema import running, turns
from events.schema.running import Migrating, Status, latest_run, read_status
from events.schema.versions import Schema
from rasax.migrating import readiness

whole_database = pytest.mark.django_db(transaction=True)


def ask(server, path="/health"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_the_health_server_tells_the_latest_status_and_fails_with_the_error():
    service = migrate_service.Command()
    service.status = Status("pending")
    with MonitoringServer(service._ready, "127.0.0.1", 0, {"/health": service._health}) as server:
        assert ask(server) == (200, Status("pending").as_json())
        service._take(Status("running", 40.0, "events.0004"))
        assert ask(server)[1]["progress_in_percent"] == 40.0
        service._take(Status("failed", error="relation is missing"))
        assert (ask(server)[0], ask(server)[1]["error"]) == (500, "relation is missing")
        assert ask(server, "/health/ready") == (503, {"status": "not ready", "checks": {"migration": "failed"}})
        service._take(Status("completed", 100.0))
        assert ask(server, "/health/ready")[0] == 200
        assert ask(server, "/other")[0] == 404


@whole_database
def test_the_same_status_is_read_from_the_database_while_it_runs_and_after():
    assert read_status(connection).status == "completed"
    run = Migrating(connection)
    run.begin()
    run.plan(4)
    run.enter("events.0009_more")
    run.leave()
    run.report(0.5)
    with turns.turn(connection, lambda: None):
        assert str(read_status(connection)) == "37.5 %, at events.0009_more"
    run.end("OperationalError: no room")
    assert read_status(connection).status == "completed"  # nothing is missing, whatever somebody else tried
    assert latest_run(connection).error == "OperationalError: no room"


@whole_database
def test_a_migration_that_failed_says_so_until_the_next_one(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations.Migration, "apply", fail)
        patch.setattr(Schema, "missing", [("events", "0999")])
        Migrating(connection).begin()
        command = migrate.Command()
        command.connection = connection
        command.run = Migrating(connection)
        command.run.begin()
        command._note(RuntimeError("no room"))
        assert read_status(connection) == Status("failed", 0.0, "", "RuntimeError: no room", command.run.run.version)
    call_command("migrate", verbosity=0)
    assert latest_run(connection).state == running.COMPLETED


def fail(*args, **kwargs):
    raise RuntimeError("no room")


@pytest.fixture
def not_ready():
    readiness.status = Status("running", 12.5, "events.0009_more")
    yield
    readiness.status = Status("completed", 100.0)


def test_until_then_a_browser_is_told_in_its_language_and_a_script_in_json(not_ready):
    page = Client(headers={"accept-language": "de"}).get("/")
    assert (page.status_code, 'value="12.5"' in page.text) == (503, True)
    assert "Die Datenbank" in page.text
    answer = Client().get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["database_migration"] == {"status": "running", "progress_in_percent": 12.5}


@whole_database
def test_a_table_in_use_is_asked_for_again_and_others_do_not_queue_behind_it(monkeypatch, capsys):
    if connection.vendor != "postgresql":
        return
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", 0.2)
    monkeypatch.setattr(migrate, "PAUSE", 0.1)
    reader = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    held = threading.Event()

    def alter(command, *args, **options):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE events_facet IN ACCESS EXCLUSIVE MODE")

    monkeypatch.setattr(migrate.migrate.Command, "handle", alter)
    with reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_facet")
        threading.Timer(0.6, lambda: (held.set(), reader.rollback())).start()
        call_command("migrate", verbosity=0)
    assert held.is_set()
    assert "A table is in use" in capsys.readouterr().err
    reader.close()


@whole_database
def test_a_service_that_fails_exits_with_one_and_a_line(monkeypatch, capsys):
    monkeypatch.setattr(migrate.migrate.Command, "handle", fail)
    with pytest.raises(SystemExit) as end:
        call_command(migrate_service.Command(), host="127.0.0.1", port=0, linger=0, verbosity=0)
    assert end.value.code == 1
    assert "The database was not migrated: no room" in capsys.readouterr().err
    assert latest_run(connection).state == running.FAILED
