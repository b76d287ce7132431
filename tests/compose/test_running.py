"""A deployment as docker/compose.yml describes it, of plain processes: conversations flow in and are reviewed in a
browser through nginx, each service and server is killed in turn, and nothing is lost or doubled."""

from __future__ import annotations

import time

import psycopg2
import pytest

from tests.chaos.harness import lost_and_doubled
from tests.chaos.publisher import Publisher
from tests.compose.plain import PlainCompose
from tests.compose.reading import Composed
from tests.compose.reviewing import Reviewer
from tests.long import LONG

pytestmark = pytest.mark.chaos

ROUNDS = 3 if LONG else 1
TELL_WITHIN = 30  # seconds; by their health checks, which ask /health/ready
STAY = ["rasax", "event-service", *(["celery-worker", "celery-beat"] if LONG else [])]
SERVICES = STAY if LONG else ["rasax"]
# Who can do nothing without it.
NEEDED_BY = {
    "postgres": {"rasax", "event-service", "celery-worker"},
    "rabbitmq": {"event-service", "celery-worker", "celery-beat"},
    "redis": set(),
    "nginx": set(),
}
SERVERS = list(NEEDED_BY) if LONG else ["postgres"]


class Kept:
    """The database, as the chaos tests ask it."""

    def __init__(self, running: PlainCompose) -> None:
        self.url = running.composed.secret("database_url").read_text()

    def ask(self, sql, *parameters):
        connection = psycopg2.connect(self.url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        finally:
            connection.close()


class Storm:
    """Kills what is named; after each blow all must be healthy, and the page live, by itself."""

    def __init__(self, running: PlainCompose, reviewer: Reviewer) -> None:
        self.running, self.reviewer, self.reviewed = running, reviewer, 0

    def kill_the_service(self, name: str) -> None:
        began = time.monotonic()
        self.running.kill(name)
        self._is_well(name, began)

    def take_away_the_server(self, name: str) -> None:
        """Who needs it says that it cannot work, and whoever does not goes on; then it is there again."""
        began = time.monotonic()
        self.running.servers[name].kill()
        for service in STAY:
            if service in NEEDED_BY[name]:
                self._tells(service, healthy=False)
        for service in set(STAY) - NEEDED_BY[name]:
            assert self.running.is_healthy(service), f"{service} needs no {name}"
        assert all(self.running.processes[service].poll() is None for service in STAY)
        self.running.servers[name].start()
        self._is_well(name, began)

    def _is_well(self, name: str, began: float) -> None:
        for service in {name, *STAY}:
            self._tells(service, healthy=True)
        self.reviewed += 1
        seen = self.reviewer.sees(f"after-{name}-{self.reviewed}")
        self.reviewer.is_live()
        self.reviewer.reviews(f"after-{name}-{self.reviewed}")
        print(f"{name}: all well {time.monotonic() - began:.1f} s after the blow, a row {seen:.1f} s after its event")

    def _tells(self, service: str, *, healthy: bool) -> None:
        what = f"{service} that says it is {'ready' if healthy else 'not ready'}"
        self.running.wait_until(lambda: self.running.is_healthy(service) is healthy, what, TELL_WITHIN)


def a_conversation_is_reviewed(reviewer: Reviewer) -> None:
    reviewer.sees("ann")
    reviewer.reviews("ann")
    # What is Rasa's goes to the production Rasa, which this deployment has not.
    assert reviewer.asks("/core/version") == 502
    assert reviewer.asks("/webhooks/rest/webhook", "POST") == 502


def test_nothing_is_lost_and_the_page_lives_on_when_services_and_servers_are_killed(tmp_path):
    with PlainCompose(Composed(tmp_path, "separate")) as running:
        for name in ("postgres", *STAY):
            running.wait_until(lambda name=name: running.is_healthy(name), f"healthy {name}")
        assert running.wait_until(lambda: running.processes["db-migration-service"].poll() == 0, "ended migration")
        with Reviewer(running, "rasax").at_work() as reviewer:
            a_conversation_is_reviewed(reviewer)
            storm = Storm(running, reviewer)
            with Publisher(running.composed.secret("rabbitmq_url").read_text()) as publisher:
                for _ in range(ROUNDS):
                    for name in SERVICES:
                        storm.kill_the_service(name)
                    for name in SERVERS:
                        storm.take_away_the_server(name)
        assert len(publisher.confirmed) > 100
        assert lost_and_doubled(Kept(running), publisher) == (set(), set())
        reviews = "SELECT status, count(*) FROM conversations_review GROUP BY status"
        assert Kept(running).ask(reviews) == [("reviewed", 1 + storm.reviewed)]
        assert running.restarts.keys() >= {"rasax"}


@pytest.mark.skipif(not LONG, reason="make chaos")
def test_all_in_one_works_from_the_same_file(tmp_path):
    with PlainCompose(Composed(tmp_path, "all-in-one")) as running:
        running.wait_until(lambda: running.is_healthy("all-in-one"), "healthy all-in-one")
        with Reviewer(running, "all-in-one").at_work() as reviewer:
            a_conversation_is_reviewed(reviewer)
        # No demo is published into a broker that somebody else's assistant may use.
        assert Kept(running).ask("SELECT sender_id FROM events_conversation") == [("ann",)]
