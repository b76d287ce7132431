"""docs/upgrading.md as it is written: an upgrade while the old version serves, and the two ways back."""

import re
from contextlib import closing

import psycopg2
import pytest

from tests.chaos.harness import lost_and_doubled
from tests.chaos.publisher import Publisher
from tests.deployment import Deployment
from tests.servers.process import free_port

pytestmark = pytest.mark.chaos

WAY_BACK = re.compile(r"run `manage\.py (migrate_back [\w. ]+)`")


@pytest.fixture
def today(postgres, rabbitmq):
    with Deployment(postgres.create_database("upgraded"), rabbitmq.new_vhost()) as deployment:
        yield deployment


@pytest.fixture
def tomorrow(today):
    """A newer version of the same deployment."""
    newer = Deployment(
        today.database_url, today.environment["EVENT_BROKER_URL"], DJANGO_SETTINGS_MODULE="tests.tomorrow.settings"
    )
    newer.environment["RASAX_RUN_DIR"] = today.environment["RASAX_RUN_DIR"]
    yield newer
    newer.__exit__()


def keeps_events(deployment, publisher):
    awaited = len(publisher.confirmed) + 20
    deployment.wait_until(lambda: len(publisher.confirmed) > awaited, "confirmed events")
    deployment.wait_for_events(awaited)


def time_passes(deployment):
    """As much as makes it certain that an event service has ended."""
    with closing(psycopg2.connect(deployment.database_url)) as connection, connection:
        connection.cursor().execute("UPDATE events_heartbeat SET beat_at = beat_at - interval '20 s'")


def test_an_upgrade_and_the_way_back_lose_nothing(today, tomorrow):
    with Publisher(today.environment["EVENT_BROKER_URL"]) as publisher:
        old = today.start_event_service()
        keeps_events(today, publisher)
        # docker compose up -d, which starts all of them at once
        new = tomorrow.start_event_service()
        tomorrow.wait_until(lambda: "waiting for the database" in tomorrow.log(), "waiting event service")
        keeps_events(today, publisher)
        migration = tomorrow.start("manage.py", "migrate_service", "--port", str(free_port()))
        assert migration.wait(60) == 0, tomorrow.log()
        keeps_events(today, publisher)  # the old version on the newer schema
        today.kill(old)
        keeps_events(tomorrow, publisher)
        # And back
        tomorrow.kill(new)
        time_passes(today)
        refusal = today.manage("consume_events", check=False)
        assert refusal.returncode != 0
        way_back = WAY_BACK.search(refusal.stderr)
        assert way_back, refusal.stderr
        assert "the older schema" in tomorrow.manage(*way_back[1].split()).stdout
        today.start_event_service()
        keeps_events(today, publisher)
    assert lost_and_doubled(today, publisher) == (set(), set())
    assert "waiting for the database" not in today.log()
