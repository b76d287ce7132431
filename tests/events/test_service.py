import threading
import time

import pytest
from django.db import OperationalError

from events import service
from events.brokers.base import BrokerUnavailable, EventBroker, Message
from events.models import Conversation, Event, Heartbeat
from events.service import EventService, EventServiceFailed
from tests.rasa import said

pytestmark = pytest.mark.django_db(transaction=True)


class Scripted(EventBroker):
    """Gives one batch after another, and notes what the service does with it."""

    def __init__(self, *batches):
        self.batches = list(batches)
        self.acknowledged = []
        self.stored_when_acknowledged = []
        self.stop = threading.Event()

    def publish(self, body, environment=None):
        raise NotImplementedError

    def receive(self, **limits):
        if not self.batches:
            self.stop.set()
            return []
        time.sleep(0.02)
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def acknowledge(self, messages):
        self.acknowledged.append(list(messages))
        self.stored_when_acknowledged.append(Event.objects.count())

    def depth(self):
        return 17

    def close(self):
        self.closed = True


def run(broker, **options):
    EventService(broker, stop=broker.stop, **options).run()
    return broker


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(service, "GIVE_UP_AFTER", 0.5)


def test_a_batch_is_acknowledged_whole_after_it_is_stored():
    first, second = [said("a", timestamp=1.0), Message(b"bad")], [said("b", timestamp=2.0)]
    broker = run(Scripted(first, second))
    assert broker.acknowledged == [first, second]
    assert broker.stored_when_acknowledged == [1, 2]
    assert broker.closed


def test_the_loop_outlives_a_broker_that_goes_away():
    broker = run(Scripted([said("a", timestamp=1.0)], BrokerUnavailable("gone"), [said("b", timestamp=2.0)]))
    assert Event.objects.count() == 2
    assert len(broker.acknowledged) == 2


def test_a_batch_is_tried_again_while_the_database_is_away(monkeypatch):
    record, attempts = Conversation.objects.record, []

    def away_twice(messages, source=""):
        attempts.append(len(messages))
        if len(attempts) < 3:
            raise OperationalError("the server closed the connection")
        return record(messages, source)

    monkeypatch.setattr(Conversation.objects, "record", away_twice)
    broker = run(Scripted([said("a")], *[[]] * 100))
    assert attempts == [1, 1, 1]
    assert broker.stored_when_acknowledged == [1]


def test_without_a_database_the_service_gives_up_and_acknowledges_nothing(monkeypatch):
    def away(messages, source=""):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(Conversation.objects, "record", away)
    broker = Scripted([said("a")], *[[]] * 100)
    with pytest.raises(EventServiceFailed, match=r"Could not store events for 0 s: the server closed the connection"):
        run(broker)
    assert broker.acknowledged == []


def test_a_service_that_is_stopped_while_the_database_is_away_leaves_the_batch_to_the_broker(monkeypatch):
    def away(messages, source=""):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(Conversation.objects, "record", away)
    broker = Scripted([said("a")], *[[]] * 100)
    threading.Timer(0.2, broker.stop.set).start()
    assert run(broker).acknowledged == []


def test_without_a_broker_the_service_gives_up():
    with pytest.raises(EventServiceFailed, match="Could not receive events"):
        run(Scripted(*[BrokerUnavailable("no route to it")] * 100))


def test_what_goes_well_in_between_restores_the_patience():
    faults = [BrokerUnavailable("gone"), []] * 6
    run(Scripted(*faults))


def test_a_fault_of_our_own_ends_the_service_and_acknowledges_nothing(monkeypatch):
    def broken(messages, source=""):
        raise TypeError("a bug")

    monkeypatch.setattr(Conversation.objects, "record", broken)
    broker = Scripted([said("a")], *[[]] * 100)
    with pytest.raises(TypeError):
        run(broker)
    assert broker.acknowledged == []


def test_the_heartbeat_tells_what_was_done():
    run(Scripted([said("a"), said("a"), Message(b"bad")]), name="here:1")
    heart = Heartbeat.objects.get(name="here:1")
    assert (heart.n_stored, heart.n_repeated, heart.n_rejected) == (1, 1, 1)
    assert heart.queue_depth == 17
    assert heart.last_delivery_at
    assert heart.last_commit_at
    assert heart in Heartbeat.objects.alive()


def test_an_idle_service_beats_too():
    broker = Scripted(*[[]] * 3)
    run(broker, name="here:2")
    assert Heartbeat.objects.get(name="here:2").last_delivery_at is None


def test_the_health_endpoint_says_whether_events_are_kept(client):
    assert client.get("/api/health").status_code == 503
    run(Scripted([said("a")]))
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["queue_depth"] == 17


def test_a_service_whose_heart_stopped_is_not_alive(client):
    run(Scripted([said("a")]))
    Heartbeat.objects.update(beat_at="2020-01-01T00:00Z")
    assert client.get("/api/health").status_code == 503


def test_the_pause_grows_and_ends_at_once_when_told_to_stop():
    stop = threading.Event()
    patience = service.Patience(stop)
    stop.set()
    started = time.monotonic()
    for _ in range(20):
        patience.lose("receive", BrokerUnavailable("gone"))
    assert time.monotonic() - started < 0.4
