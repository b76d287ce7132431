"""Web, worker and event service wait for the schema that they were built for, and refuse a newer one."""

import json
import sqlite3
import time
import urllib.error
import urllib.request

import pytest
from django.conf import settings

from tests.deployment import Deployment
from tests.servers.process import free_port

BEFORE_THE_LAST = ("conversations", "0001")


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def answers(url):
    try:
        return get(url)[0]
    except OSError:
        return None


@pytest.fixture
def behind(postgres, tmp_path):
    """A deployment whose database an older rasax migrated."""
    deployment = Deployment(postgres.create_database("behind"), f"file://{tmp_path / 'rasa_event.log'}")
    deployment.manage("migrate", *BEFORE_THE_LAST, "-v0")
    yield deployment
    deployment.__exit__()


def test_every_process_waits_for_the_schema_and_then_works(behind):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    web = behind.start("-m", "uvicorn", "rasax.asgi:application", "--port", str(port))
    waiting = [web, behind.start_event_service(), behind.start_worker()]
    behind.wait_until(lambda: answers(f"{url}/") == 503, "waiting web process")
    status, body, headers = get(f"{url}/api/health")
    assert (status, json.loads(body)["database_migration"]["status"]) == (503, "pending")
    assert headers["Retry-After"]
    page = get(f"{url}/")
    assert "The database is being brought up to date" in page[1]
    assert "default-src 'none'" in page[2]["Content-Security-Policy"]
    assert get(f"{url}/static/rasax/page.css")[0] == 200
    behind.wait_until(lambda: behind.log().count("waiting for the database to be migrated") == 3, "three who wait")
    assert f"wanted='{settings.VERSION}'" in behind.log()
    behind.manage("migrate_service", "--port", str(free_port()))
    behind.wait_until(lambda: answers(f"{url}/") == 200, "served page")
    behind.wait_until(lambda: json.loads(get(f"{url}/api/health")[1]).get("event_services") == 2, "event services")
    assert all(process.poll() is None for process in waiting)


NEWER = "INSERT INTO django_migrations (app, name, applied) VALUES ('events', '0999_of_tomorrow', '2030-01-01')"
BY = "UPDATE events_migration_run SET version = '99.0'"


@pytest.fixture
def newer(tmp_path):
    with Deployment(f"sqlite:///{tmp_path / 'newer.sqlite3'}", f"file://{tmp_path / 'log'}") as deployment:
        with sqlite3.connect(tmp_path / "newer.sqlite3") as connection:
            connection.execute(NEWER)
            connection.execute(BY)
        yield deployment


def test_no_process_runs_on_a_newer_schema_and_each_says_what_it_wants(newer):
    started = [
        newer.start("-m", "uvicorn", "rasax.asgi:application", "--port", str(free_port())),
        newer.start_event_service(),
        newer.start_worker(),
        newer.start("manage.py", "migrate_service", "--linger", "0", "--port", str(free_port())),
    ]
    deadline = time.monotonic() + 60
    for process in started:
        assert process.wait(max(1, deadline - time.monotonic())) != 0
    logs = newer.log()
    assert logs.count("events.0999_of_tomorrow") >= 4
    assert logs.count(f"than rasax {settings.VERSION} was built for") >= 4
    assert "Start rasax 99.0; or go back" in logs
    assert "have rasax 99.0 run `manage.py migrate_back events.00" in logs


def test_a_waiting_event_service_stops_when_it_is_told_to(tmp_path):
    deployment = Deployment(f"sqlite:///{tmp_path / 'empty.sqlite3'}", f"file://{tmp_path / 'log'}")
    try:
        service = deployment.start_event_service()
        deployment.wait_until(lambda: "waiting for the database" in deployment.log(), "waiting event service")
        service.terminate()
        assert service.wait(10) == 0
    finally:
        deployment.__exit__()
