"""A canary goes the whole way, and nothing is left of it but when it came."""

import json
import threading
import time

import pytest
from django.utils import timezone

from events import brokers
from events.brokers.base import Message
from events.canary import Canary, canary, told_apart
from events.models import Conversation, Heartbeat, RejectedMessage
from events.monitoring import metrics
from events.service import EventService
from tests.rasa import said


def test_only_what_is_marked_twice_is_a_canary():
    speaks_of_it = said("rasax_canary", sender_id="rasax-canary:me")
    another_sender = Message(json.dumps({"sender_id": "ann", "event": "rasax_canary", "timestamp": 1}).encode())
    broken = Message(b"rasax_canary")
    messages = [speaks_of_it, another_sender, broken]
    assert told_apart(messages) == (messages, None)
    assert told_apart([Message(canary(5.0, "a")), *messages, Message(canary(4.0, "b"))]) == (messages, 5.0)


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_a_canary_comes_back_from_rabbitmq_and_is_kept_nowhere(rabbitmq):
    url, stop = rabbitmq.new_vhost(), threading.Event()
    broker = brokers.from_url(url)
    broker.depth()  # declares the queue
    broker.publish(said("hi", timestamp=time.time()).body)
    broker.close()
    service = EventService(
        brokers.from_url(url), name="here", stop=stop, canary=Canary(brokers.from_url(url), 0.2, "here")
    )
    counted = metrics.RECEIVED._value.get()
    watch = threading.Timer(3, stop.set)
    watch.start()
    service.run()
    assert list(Conversation.objects.values_list("sender_id", "n_events")) == [("ann", 1)]
    assert not RejectedMessage.objects.exists()
    heart = Heartbeat.objects.get(name="here")
    assert (heart.n_stored, heart.n_repeated, heart.n_rejected) == (1, 0, 0)
    assert metrics.RECEIVED._value.get() - counted == 1
    assert 0 <= (timezone.now() - heart.canary_at).total_seconds() < 3
    assert service.told()["canary_age_seconds"] < 3
    kind = {"broker": "RabbitMQEventBroker"}
    assert 0 <= metrics.registry().get_sample_value("rasax_canary_seconds", kind) < 3
    assert metrics.registry().get_sample_value("rasax_canary_timestamp_seconds", kind) == pytest.approx(
        time.time(), abs=4
    )
