"""Two web processes, an event service, Redis, PostgreSQL and a replica: what is shown is right, whatever is down."""

import json
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from events import brokers
from tests.deployment import Deployment
from tests.rasa import message, said
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_replica import PostgresReplica
from tests.servers.redis import RedisServer
from tests.web import Web

pytestmark = pytest.mark.once
BOUND = 5.0  # seconds


class Site:
    """A deployment with two web processes: each question goes to the one or the other."""

    def __init__(self, stack, folder):
        self.postgres = stack.enter_context(PostgresServer(fsync="off"))
        database = self.postgres.create_database("site")
        self.redis = stack.enter_context(RedisServer())
        self.replica = stack.enter_context(PostgresReplica(self.postgres, log_statement="all", fsync="off"))
        self.deployment = stack.enter_context(
            Deployment(
                database,
                f"file://{folder / 'rasa_event.log'}",
                REDIS_URL=self.redis.url,
                DATABASE_REPLICA_URL=self.replica.url("site"),
            )
        )
        self.webs = [Web(self.deployment), Web(self.deployment)]
        self.deployment.start_event_service()
        with ThreadPoolExecutor() as together:
            cookie = together.submit(self.webs[0].sign_in, "admin")
            list(together.map(stack.enter_context, self.webs))
            self.headers = {"Cookie": cookie.result()}
        self.kept = 0

    def publish(self, *messages):
        broker = brokers.from_url(self.deployment.environment["EVENT_BROKER_URL"])
        for each in messages:
            broker.publish(each.body)
        broker.close()
        self.kept += len(messages)
        self.deployment.wait_until(lambda: self.deployment.n_events() >= self.kept, "event", 20)

    def get(self, web, path, **query):
        address = f"{self.webs[web].url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(address, headers=self.headers), timeout=20) as answer:
            return answer.read().decode()

    def events(self, web):
        return json.loads(self.get(web, "/api/statistics"))["events"]

    def post(self, web, path, **form):
        token = "t" * 32  # the cookie and the form have the same: that is all that is asked for
        headers = {"Cookie": f"{self.headers['Cookie']}; csrftoken={token}"}
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        request = urllib.request.Request(self.webs[web].url + path, body, headers)
        return urllib.request.build_opener(Stay).open(request, timeout=20)

    def number_of(self, sender_id):
        rows = self.deployment.ask("SELECT id FROM events_conversation WHERE sender_id = %s", sender_id)
        return rows[0][0]

    def tell(self, sender_id, name):
        """Somebody says their name, which is a value of a slot from then on."""
        self.publish(said("hi", sender_id=sender_id), message(sender_id, "slot", 2.0, name="name", value=name))

    def shown_values(self, web):
        return self.get(web, "/conversations/", slot="name")

    def wait_for_events(self, web):
        """Returns how long the number of events was an old one."""
        began = time.monotonic()
        while self.events(web) != self.kept:
            assert time.monotonic() - began < BOUND, "it is stale for too long"
            time.sleep(0.1)
        return time.monotonic() - began


class Stay(urllib.request.HTTPRedirectHandler):
    def http_error_303(self, request, answer, *rest):
        return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with ExitStack() as stack:
        yield Site(stack, tmp_path_factory.mktemp("site"))


def test_new_events_show_in_both_web_processes_within_the_bound_and_marks_at_once(site):
    site.tell("ann", "Ann")
    for web in (0, 1):
        site.wait_for_events(web)
    for number in range(2):
        site.publish(said("again", sender_id="ann", timestamp=10.0 + number))
        for web in (0, 1):
            site.wait_for_events(web)
    assert "billing" not in site.get(1, "/conversations/")
    assert site.post(0, f"/conversations/{site.number_of('ann')}/tags/", tag="billing").status == 303
    assert "billing" in site.get(1, "/conversations/")
    assert "ann" in site.get(1, "/conversations/", tag="billing")
    log = site.replica.log.read_text()
    assert 'FROM "events_conversation"' in log, "lists are read from the replica"
    assert 'FROM "events_facet"' in log


@pytest.mark.parametrize("redis", ["answers", "hangs", "is gone"])
def test_who_is_deleted_is_never_shown_again(site, redis):
    who, name = f"whoever {redis}", f"Zebedee {redis}"
    site.tell(who, name)
    for web in (0, 1):
        deadline = time.monotonic() + BOUND
        while name not in site.shown_values(web):
            assert time.monotonic() < deadline
    if redis == "hangs":
        site.redis.freeze()
    if redis == "is gone":
        site.redis.kill()
    began = time.monotonic()
    assert site.post(0, f"/conversations/{site.number_of(who)}/forget/").status == 303
    site.kept -= 2
    assert name not in site.shown_values(1)
    assert name not in site.shown_values(0)
    assert site.events(0) == site.events(1) == site.kept
    assert time.monotonic() - began < 10, "it does not wait for Redis at each question"
    if redis == "hangs":
        site.redis.thaw()
    if redis == "is gone":
        site.redis.start()
    for _ in range(3):
        for web in (0, 1):
            assert name not in site.shown_values(web)
            assert site.events(web) == site.kept


def test_a_replica_that_is_behind_or_down_is_not_asked(site):
    site.tell("bea", "Bea")
    site.replica.pause()
    assert site.post(0, f"/conversations/{site.number_of('bea')}/tags/", tag="urgent").status == 303
    assert "bea" in site.get(1, "/conversations/", tag="urgent")
    site.publish(said("once more", sender_id="bea", timestamp=50.0))
    for web in (0, 1):
        site.wait_for_events(web)
    site.replica.resume()
    site.replica.kill()
    site.publish(said("and again", sender_id="bea", timestamp=60.0))
    for web in (0, 1):
        assert "bea" in site.get(web, "/conversations/")
        site.wait_for_events(web)
    assert "the replica is not used" in site.deployment.log()
    site.replica.start()
    found = map(json.loads, site.deployment.manage("doctor", "--json", check=False).stdout.splitlines())
    assert ("read replica", "fine") in {(each["part"], each["state"]) for each in found}
