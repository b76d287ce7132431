"""Behind PgBouncer with a session for each transaction: three event services, pages, search, migrations."""

import random
import urllib.request
from urllib.parse import urlencode

import pytest

from events import brokers
from tests.deployment import Deployment
from tests.events.test_pipeline import IN_ORDER, kept
from tests.migrated import migrate
from tests.rasa import recorded
from tests.servers.pgbouncer import PgBouncerServer
from tests.web import Web

pytestmark = pytest.mark.once


@pytest.fixture
def pooled(postgres, rabbitmq):
    direct = postgres.create_database("pooled")
    migrate(direct)
    with PgBouncerServer(postgres) as bouncer:
        deployment = Deployment(bouncer.url("pooled"), rabbitmq.new_vhost())
        try:
            yield deployment, direct
        finally:
            deployment.__exit__()


SAID = """
SELECT e.text, c.sender_id FROM events_event e JOIN events_conversation c ON c.id = e.conversation_id
WHERE e.type = 'user' AND e.text !~ '[^a-z ]' ORDER BY e.timestamp LIMIT 1
"""


def get(web, cookie, path):
    request = urllib.request.Request(f"{web.url}{path}", headers={"Cookie": cookie})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def test_three_event_services_and_pages_share_three_sessions(pooled):
    deployment, direct = pooled
    refused = deployment.manage("migrate", check=False)
    assert refused.returncode == 1
    assert "Set DIRECT_DATABASE_URL" in refused.stderr
    deployment.environment["DIRECT_DATABASE_URL"] = direct
    services = [deployment.start_event_service() for _ in range(3)]
    deployment.wait_until(lambda: deployment.ask("SELECT count(*) FROM events_heartbeat")[0][0] == 3, "three hearts")
    with Web(deployment) as web:
        cookie = web.sign_in("admin")
        publish_three_shuffled_copies(deployment.environment["EVENT_BROKER_URL"])
        deployment.manage("partition_events")
        assert kept(deployment) == IN_ORDER
        stored = deployment.ask("SELECT n_stored + n_repeated FROM events_heartbeat WHERE n_stored + n_repeated > 0")
        assert len(stored) == 3  # each of them took part
        [(text, who)] = deployment.ask(SAID)
        assert who in get(web, cookie, f"/conversations/?{urlencode({'q': text})}")
    assert all(service.poll() is None for service in services)


def publish_three_shuffled_copies(url):
    broker = brokers.from_url(url)
    for seed in range(3):
        for message in random.Random(seed).sample(recorded(), len(recorded())):
            broker.publish(message.body, message.environment)
    broker.close()
