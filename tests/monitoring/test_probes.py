"""What a probe finds, and how long it takes for it."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from events.monitoring import probes
from events.monitoring.probes import OK, Probe, ready
from events.monitoring.server import MonitoringServer

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(probes, "ANSWERS_WITHIN", 0.3)
    monkeypatch.setattr(probes, "KEPT", 0.1)


def test_who_has_all_that_it_needs_is_ready():
    assert Probe(one=lambda: OK, other=lambda: OK).ask() == (
        200,
        {"status": "ready", "checks": {"one": "ok", "other": "ok"}},
    )


def test_an_error_is_told_to_the_log_and_not_to_strangers(caplog):
    def broken():
        raise ConnectionError("no route to amqp://rasax@broker")

    status, body = Probe(broker=broken, database=lambda: OK).ask()
    assert (status, body["checks"]) == (503, {"broker": "does not answer", "database": "ok"})
    assert "no route to amqp" in str(caplog.records[0].fields["error"])


def test_what_hangs_is_asked_once_however_many_ask_and_keeps_nobody_waiting():
    come_on, looks = threading.Event(), []

    def hangs():
        looks.append(1)
        come_on.wait()
        return OK

    probe = Probe(server=hangs)

    async def many():
        return await asyncio.gather(*(probe.ask_async() for _ in range(200)))

    began = time.monotonic()
    assert {status for status, _ in asyncio.run(many())} == {503}
    assert time.monotonic() - began < 1
    assert len(looks) == 1
    come_on.set()
    time.sleep(0.2)
    assert probe.ask()[0] == 200


def test_a_look_is_kept_for_a_moment():
    looks = []
    probe = Probe(server=lambda: looks.append(1) or OK)
    for _ in range(50):
        probe.ask()
    assert len(looks) == 1
    time.sleep(0.15)
    probe.ask()
    assert len(looks) == 2


@pytest.mark.django_db
def test_a_database_without_a_migration_that_is_needed_is_not_the_right_one():
    assert probes.database() == OK
    MigrationRecorder(connection).record_applied("events", "9999_of_tomorrow")
    assert probes.database() == OK
    MigrationRecorder(connection).record_unapplied("events", "0001_initial")
    assert probes.database() == "has another schema"


def test_a_port_of_its_own_answers_probes_and_nothing_else():
    def ask(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
                return answer.status, json.loads(answer.read())["status"]
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()).get("status")

    with MonitoringServer(lambda: ready({"database": "does not answer"}), "127.0.0.1", 0) as server:
        assert ask("/health/live") == (200, "live")
        assert ask("/health/ready?verbose=1") == ask("/health") == (503, "not ready")
        assert ask("/metrics/../etc/passwd") == (404, None)
