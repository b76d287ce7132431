"""What is counted, and who is told."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

import rasax.monitoring
from events.brokers.base import BrokerUnavailable, Message
from events.monitoring import metrics
from events.monitoring.probes import OK, Probe
from events.monitoring.server import MonitoringServer
from events.service import EventService
from rasax.accounts.jobs import Job
from tests.events.test_service import Scripted
from tests.rasa import said

pytestmark = pytest.mark.once


def value(name, **labels):
    return metrics.registry().get_sample_value(name, labels) or 0


@pytest.fixture
def moved():
    """By how much a sample grew since it was last asked for."""
    before = {}

    def by(name, **labels):
        key, now = (name, *labels.items()), value(name, **labels)
        grown, before[key] = now - before.get(key, 0), now
        return grown

    return by


@pytest.mark.django_db(transaction=True)
def test_the_event_service_counts_what_becomes_of_messages(moved):
    names = ("received", "stored", "repeated", "rejected")
    for name in (*names, "lag"):
        moved(f"rasax_events_{name}_total")
    for name in ("rasax_batch_seconds_count", "rasax_event_lag_seconds_count"):
        moved(name)
    moved("rasax_event_service_failures_total", half="receive")
    broker = Scripted([said("a"), said("a"), Message(b"bad")], BrokerUnavailable("gone"), [said("b", timestamp=2.0)])
    EventService(broker, stop=broker.stop).run()
    assert [moved(f"rasax_events_{name}_total") for name in names] == [4, 2, 1, 1]
    assert moved("rasax_batch_seconds_count") == moved("rasax_event_lag_seconds_count") == 2
    assert value("rasax_event_queue_depth", broker="Scripted") == 17
    assert moved("rasax_event_service_failures_total", half="receive") == 1


def test_a_request_is_counted_by_the_pattern_of_its_path(client, alice, moved, settings):
    client.force_login(alice)
    seen = {"method": "GET", "status": "404"}
    views = ("/conversations/<int:pk>/", "no such path", "/api/<anything:rest>")
    for view in views:
        moved("rasax_request_seconds_count", view=view, **seen)
    for path in ("/conversations/4711/", "/nowhere/4711", "/api/nowhere/4711"):
        answer = client.get(path, headers={"X-Request-ID": "from-nginx-1"})
        assert answer["X-Request-ID"] == "from-nginx-1"
    assert [moved("rasax_request_seconds_count", view=view, **seen) for view in views] == [1, 1, 1]
    assert len(client.get("/", headers={"X-Request-ID": "a\nb"})["X-Request-ID"]) == 32
    labels = [sample.labels for family in metrics.registry().collect() for sample in family.samples]
    assert not any("4711" in text for each in labels for text in each.values())
    assert value("rasax_request_seconds_count", view="/", method="other", status="405") == 0
    client.generic("SMUGGLE", "/")
    assert any(
        each.get("method") == "other" for each in [s.labels for f in metrics.registry().collect() for s in f.samples]
    )


@pytest.mark.django_db
def test_jobs_are_counted_by_their_state(moved):
    Job.objects.create(kind="some", state="queued")
    Job.objects.create(kind="some", state="failed")
    Job.objects.measure()
    assert {state: value("rasax_jobs", state=state) for state in Job.State.values} == {
        "queued": 1, "running": 0, "waiting": 0, "done": 0, "failed": 1, "cancelled": 0,
    }  # fmt: skip
    assert value("rasax_job_oldest_seconds", state="queued") > 0


def test_an_error_of_the_database_is_counted_where_it_is_met(client, alice, monkeypatch, moved):
    from django.db import OperationalError

    def away(*args, **kwargs):
        raise OperationalError("the server closed the connection")

    client.force_login(alice)
    client.raise_request_exception = False
    moved("rasax_database_errors_total", where="request")
    monkeypatch.setattr("rasax.conversations.event_service.Heartbeat.objects.all", away)
    assert client.get("/settings/event-service/").status_code == 500
    assert client.get("/api/eventService").status_code == 500
    assert moved("rasax_database_errors_total", where="request") == 2


@pytest.fixture
def site(monkeypatch):
    """What the web process answers before its pages."""
    monkeypatch.setattr(rasax.monitoring, "_probe", lambda: probe)
    probe = Probe(database=lambda: OK)

    async def ask(path, **headers):
        transport = httpx.ASGITransport(rasax.monitoring.with_monitoring(None))
        async with httpx.AsyncClient(transport=transport, base_url="http://any-host") as client:
            return await client.get(path, headers=headers)

    return lambda path, **headers: asyncio.run(ask(path, **headers))


def test_the_site_tells_its_metrics_to_whoever_has_the_token(site, settings):
    settings.METRICS_TOKEN = ""
    assert site("/metrics").status_code == 404
    settings.METRICS_TOKEN = "prometheus-only"
    assert [site("/metrics").status_code, site("/metrics", Authorization="Bearer other").status_code] == [401, 401]
    told = site("/metrics", Authorization="Bearer prometheus-only")
    families = {family.name for family in text_string_to_metric_families(told.text)}
    assert {"rasax_ready", "rasax_events_stored", "process_cpu_seconds"} <= families
    assert "rasax_ready 1.0" in told.text


def test_probes_need_no_token_and_leave_nothing_in_a_cache(site):
    for path in ("/health/live", "/health/ready"):
        answer = site(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


def test_a_port_of_its_own_tells_all_unless_there_is_a_token(settings):
    with MonitoringServer(lambda: (503, {}), "127.0.0.1", 0) as server:
        settings.METRICS_TOKEN = ""
        url = f"http://127.0.0.1:{server.port}/metrics"
        assert "rasax_ready 0.0" in httpx.get(url).text
        settings.METRICS_TOKEN = "prometheus-only"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"Authorization": "Bearer prometheus-only"}).status_code == 200
