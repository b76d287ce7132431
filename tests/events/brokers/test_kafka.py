import socket
from time import monotonic
from uuid import uuid4

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker
from events.brokers.kafka import KafkaEventBroker
from tests.events.brokers.contract import Connect, EventBrokerContract, bodies, receive
from tests.servers.kafka import KafkaMock

CONVERSATIONS = [b'{"sender_id": "%d"}' % number for number in range(40)]  # enough for each of four partitions


@pytest.fixture
def topic() -> str:
    return f"topic-{uuid4().hex}"


@pytest.fixture
def plain(kafka: KafkaMock, topic: str) -> dict[str, str]:
    return {"url": kafka.bootstrap, "topic": topic, "group_id": topic, "security_protocol": "PLAINTEXT"}


@pytest.fixture(autouse=True)
def short_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock cluster lets a group form again only after a whole session."""
    monkeypatch.setattr("events.brokers.kafka.SESSION_SECONDS", 4)


class TestKafkaEventBroker(EventBrokerContract):
    @pytest.fixture
    def make(self, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Connect:
        # Kafka keeps the order of a partition only; so all go into one.
        monkeypatch.setattr("events.brokers.kafka.sender_id", lambda body: "one conversation")
        return lambda: KafkaEventBroker(**plain, partition_by_sender=True)

    def test_the_environment_that_rasa_sends_without_one_is_none(
        self, plain: dict[str, str], broker: EventBroker
    ) -> None:
        producer = Producer({"bootstrap.servers": plain["url"]})
        producer.produce(plain["topic"], b"{}", headers=[("RASA_ENVIRONMENT", b"RASA_ENVIRONMENT_NOT_SET")])
        assert producer.flush(10) == 0
        assert receive(broker, 1)[0].environment is None


def test_two_consumers_share_the_work_of_their_group(plain: dict[str, str]) -> None:
    first, second = KafkaEventBroker(**plain, partition_by_sender=True), KafkaEventBroker(**plain)
    for body in CONVERSATIONS:
        first.publish(body)
    got: list[bytes] = []
    assigned: list[set[int]] = [set(), set()]
    deadline = monotonic() + 80
    # A partition that changes hands takes with it what its first owner has not acknowledged, so the group is done when
    # both have their part and nothing is left, not when both have their part.
    while monotonic() < deadline and not (all(assigned) and set(got) == set(CONVERSATIONS) and first.depth() == 0):
        for broker in (first, second):
            messages = broker.receive()
            broker.acknowledge(messages)
            got += bodies(messages)
        assigned = [{each.partition for each in broker._consumer.assignment()} for broker in (first, second)]
    assert assigned[0] | assigned[1] == {0, 1, 2, 3}
    assert not assigned[0] & assigned[1]
    assert set(got) == set(CONVERSATIONS)
    assert first.depth() == 0
    second.close()
    first.close()


def test_acknowledging_a_partition_that_was_revoked_does_nothing(plain: dict[str, str]) -> None:
    first, second = KafkaEventBroker(**plain, partition_by_sender=True), KafkaEventBroker(**plain)
    for body in CONVERSATIONS:
        first.publish(body)
    held = receive(first, 40)
    again: list[bytes] = []
    for _ in range(20):
        again += bodies(second.receive())
        first.receive()
        if again:
            break
    first.acknowledge(held)
    assert first.depth() >= len(set(again)) > 0
    first.close()
    second.close()


@pytest.mark.parametrize("by_sender", [True, "true", False, "false"])
def test_the_key_is_the_sender_only_when_partitioned_by_sender(plain: dict[str, str], by_sender: bool | str) -> None:
    broker = KafkaEventBroker(**plain, partition_by_sender=by_sender)
    broker.publish(b'{"sender_id": "carol"}')
    broker.close()
    consumer = Consumer({"bootstrap.servers": plain["url"], "group.id": "look"})
    consumer.assign([TopicPartition(plain["topic"], number, OFFSET_BEGINNING) for number in range(4)])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.key() == (b"carol" if str(by_sender).lower() == "true" else None)
    assert not message.headers()


def test_nobody_listening_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.brokers.kafka.ANSWER_SECONDS", 1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    broker = KafkaEventBroker(address, security_protocol="PLAINTEXT")
    with pytest.raises(BrokerUnavailable, match=f"Kafka at {address}, topic rasa_core_events"):
        receive(broker, 1)
    with pytest.raises(BrokerUnavailable):
        broker.publish(b"{}")
    with pytest.raises(BrokerUnavailable):
        broker.depth()
    broker.close()


def test_a_stopped_server_is_unavailable() -> None:
    with KafkaMock() as server:
        broker = KafkaEventBroker(server.bootstrap, security_protocol="PLAINTEXT")
        broker.publish(b"{}")
        assert bodies(receive(broker, 1)) == [b"{}"]
    with pytest.raises(BrokerUnavailable):
        receive(broker, 1)
    broker.close()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"security_protocol": "TLS"}, "set PLAINTEXT, SSL"),
        ({"security_protocol": "SSL", "ssl_cafile": "/nowhere/ca.pem"}, "ssl.ca.location failed"),
    ],
)
def test_parameters_that_cannot_work_are_a_clear_mistake(parameters: dict[str, str], reason: str) -> None:
    with pytest.raises(BrokerMisconfigured, match=reason):
        KafkaEventBroker("127.0.0.1:9", **parameters).receive()


def test_rasas_default_is_sasl_without_tls() -> None:
    broker = KafkaEventBroker(["one:9092", "two:9092"], sasl_username="rasa", sasl_password="secret")
    assert broker._settings["bootstrap.servers"] == "one:9092,two:9092"
    assert broker._settings["security.protocol"] == "SASL_PLAINTEXT"
    assert broker._settings["sasl.mechanism"] == "PLAIN"
    assert "ssl.endpoint.identification.algorithm" not in broker._settings
