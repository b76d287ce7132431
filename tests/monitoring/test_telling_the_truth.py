"""Every process of a deployment says in time what it cannot do, goes on living, and says when it can again."""

import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.deployment import Deployment
from tests.servers.passage import Passage
from tests.servers.process import free_port

pytestmark = pytest.mark.once

TRUTH_WITHIN = 30  # seconds


def through(url, passage):
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.replace(str(parts.port), str(passage.port))).geturl()


class Watched:
    """The four kinds of process, and what each says."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.ports = {name: free_port() for name in ("web", "event service", "worker", "beat")}
        self._start("web", "-m", "uvicorn", "rasax.asgi:application", "--port", str(self.ports["web"]))
        self._start("event service", "manage.py", "consume_events")
        self._start("worker", "-m", "celery", "-A", "rasax", "worker", "--without-gossip")
        schedule = str(deployment.folder / "schedule")
        self._start("beat", "-m", "celery", "-A", "rasax", "beat", "--schedule", schedule, "--pidfile=")

    def _start(self, name, *command):
        self.deployment.environment["MONITORING_PORT"] = str(self.ports[name])
        self.deployment.start(*command)

    def ask(self, name, probe):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/health/{probe}", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, {}

    def wait_until_ready(self, *names, code=200):
        """Meanwhile all live; returns the seconds that each took."""
        began, took = time.monotonic(), {}
        while len(took) < len(names) and time.monotonic() - began < TRUTH_WITHIN:
            took |= {
                name: time.monotonic() - began
                for name in names
                if self.ask(name, "ready")[0] == code and name not in took
            }
            assert {self.ask(name, "live")[0] for name in self.ports} == {200}
            time.sleep(0.2)
        assert took.keys() == set(names), {name: self.ask(name, "ready") for name in names}
        print({name: round(seconds, 1) for name, seconds in took.items()})
        return took

    def checks(self, name):
        return self.ask(name, "ready")[1]["checks"]


@pytest.fixture
def ways(postgres, rabbitmq):
    with Passage(postgres.port) as database, Passage(rabbitmq.port) as broker:
        yield database, broker


def test_ready_tells_the_truth_in_time_and_live_does_not_depend_on_others(postgres, rabbitmq, ways):
    database, broker = ways
    amqp = through(rabbitmq.new_vhost(), broker)
    url = through(postgres.create_database("watched"), database)
    options = {
        "CELERY_BROKER_URL": amqp,
        "EVENT_SERVICE_IN_WORKER": "0",
        "MONITORING_HOST": "127.0.0.1",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }
    with Deployment(url, amqp, **options) as deployment:
        watched = Watched(deployment)
        deployment.wait_until(
            lambda: all(watched.ask(name, "ready")[0] == 200 for name in watched.ports), "ready processes"
        )
        database.block()
        watched.wait_until_ready("web", "event service", "worker", code=503)
        assert watched.ask("beat", "ready")[0] == 200
        assert watched.checks("web") == {"database": "does not answer", "pages": "ok"}
        database.unblock()
        watched.wait_until_ready(*watched.ports)
        broker.cut()
        watched.wait_until_ready("event service", "worker", "beat", code=503)
        assert watched.checks("event service")["event broker"] == "does not answer"
        assert watched.ask("web", "ready")[0] == 200
        broker.rejoin()
        watched.wait_until_ready(*watched.ports)
