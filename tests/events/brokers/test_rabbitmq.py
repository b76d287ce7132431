import socket
import time
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest

from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker
from events.brokers.rabbitmq import RabbitMQEventBroker
from tests.events.brokers.contract import Connect, EventBrokerContract, bodies, numbered, receive
from tests.servers.rabbitmq import RabbitMQServer


def channel(url: str) -> amqp.Channel:
    parts = urlsplit(url)
    connection = amqp.Connection(f"{parts.hostname}:{parts.port}", virtual_host=parts.path[1:] or "/")
    connection.connect()
    return connection.channel()


class TestRabbitMQEventBroker(EventBrokerContract):
    @pytest.fixture
    def url(self, rabbitmq: RabbitMQServer) -> str:
        return rabbitmq.new_vhost()

    @pytest.fixture
    def make(self, url: str) -> Connect:
        RabbitMQEventBroker(url).depth()  # declares: fanout keeps nothing for a queue that is not there yet
        return lambda: RabbitMQEventBroker(url)

    def test_the_topology_is_the_one_that_rasa_declares(self, rabbitmq: RabbitMQServer) -> None:
        url = rabbitmq.new_vhost()
        broker = RabbitMQEventBroker(url, queues=["rasa_core_events", "second_queue"])
        broker.depth()
        broker.close()
        vhost = urlsplit(url).path[1:]

        def listed(what: str, *columns: str) -> set[str]:
            lines = rabbitmq.ctl("--vhost", vhost, what, *columns).splitlines()[1:]
            return {" ".join(line.split()) for line in lines}

        assert "rasa-exchange fanout false false false []" in listed(
            "list_exchanges", "name", "type", "durable", "auto_delete", "internal", "arguments"
        )
        assert listed("list_queues", "name", "durable", "auto_delete", "exclusive", "arguments") == {
            "rasa_core_events true false false []",
            "second_queue true false false []",
        }
        bindings = listed("list_bindings", "source_name", "source_kind", "destination_name", "destination_kind")
        assert {line for line in bindings if line.startswith("rasa-exchange")} == {
            "rasa-exchange exchange rasa_core_events queue",
            "rasa-exchange exchange second_queue queue",
        }

    def test_a_published_message_looks_like_rasas(self, url: str, broker: EventBroker) -> None:
        broker.publish(b"{}", "production")
        message = channel(url).basic_get("rasa_core_events")
        random = message.properties.pop("message_id")
        assert len(random) == 32
        assert message.properties == {
            "application_headers": {},
            "delivery_mode": 2,
            "priority": 0,
            "app_id": "production",
        }
        assert message.delivery_info["exchange"] == "rasa-exchange"
        assert message.delivery_info["routing_key"] == ""

    def test_only_the_first_queue_is_consumed(self, url: str) -> None:
        broker = RabbitMQEventBroker(url, queues=["one", "two"])
        broker.publish(b"{}")
        assert bodies(receive(broker, 1)) == [b"{}"]
        assert broker.receive() == []
        assert channel(url).queue_declare("two", passive=True).message_count == 1
        broker.close()

    @pytest.mark.parametrize(
        "properties",
        [
            {},
            {"app_id": "production"},
            {
                "content_type": "application/json",
                "content_encoding": "utf-8",
                "application_headers": {"rasa-export-process-id": "0" * 32, "nested": {"a": [1, 2.5, None]}},
                "correlation_id": "c",
                "reply_to": "r",
                "expiration": "600000",
                "message_id": "m",
                "timestamp": 1_700_000_000,
                "type": "t",
                "user_id": "guest",
                "app_id": "production",
                "cluster_id": "",
            },
        ],
    )
    def test_app_id_is_found_among_any_properties(
        self, url: str, broker: EventBroker, properties: dict[str, Any]
    ) -> None:
        channel(url).basic_publish(amqp.Message(b"{}", **properties), "rasa-exchange", "")
        assert receive(broker, 1)[0].environment == properties.get("app_id")

    def test_an_empty_body_and_one_of_many_frames_arrive_together(self, connect: Connect, broker: EventBroker) -> None:
        many = [b"", b"x" * 131_064, b"y" * 131_065, b"z" * 10_000_000, b""]
        self.publish(connect, many)
        assert bodies(receive(broker, 5, max_bytes=1_000_000)) == many

    def test_no_more_than_a_batch_is_kept_in_memory(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"x" * 1_000_000] * 12)
        receive(broker, 1, max_bytes=2_000_000)
        assert isinstance(broker, RabbitMQEventBroker)
        assert broker._deliveries is not None
        assert broker._deliveries.size <= 3_200_000

    @pytest.mark.parametrize("wrong", ["exchange", "queue"])
    def test_other_flags_in_the_broker_are_a_clear_mistake(self, url: str, wrong: str) -> None:
        if wrong == "exchange":
            channel(url).exchange_declare("rasa-exchange", "fanout", durable=True, auto_delete=False)
        else:
            channel(url).queue_declare("rasa_core_events", durable=False, auto_delete=False)
        with pytest.raises(BrokerMisconfigured, match=r"inequivalent arg 'durable'.*delete it there"):
            RabbitMQEventBroker(url).receive()

    @pytest.mark.parametrize(
        ("parameters", "reason"), [({"password": "no"}, "refused"), ({}, "vhost nowhere not found")]
    )
    def test_refused_credentials_or_virtual_host_are_a_clear_mistake(
        self, rabbitmq: RabbitMQServer, parameters: dict[str, str], reason: str
    ) -> None:
        vhost = "/" if parameters else "/nowhere"
        broker = RabbitMQEventBroker(f"amqp://127.0.0.1:{rabbitmq.port}{vhost}", **parameters)
        with pytest.raises(BrokerMisconfigured, match=reason):
            broker.receive()

    def test_a_message_that_reaches_no_queue_is_not_taken_for_published(self, url: str, broker: EventBroker) -> None:
        broker.publish(b"1")
        channel(url).queue_unbind("rasa_core_events", "rasa-exchange", "")
        with pytest.raises(BrokerUnavailable, match="NO_ROUTE"):
            broker.publish(b"2")
        broker.publish(b"3")  # the new connection has bound it again
        assert bodies(receive(broker, 2)) == [b"1", b"3"]

    def test_a_deleted_queue_is_noticed_and_declared_again(
        self, url: str, connect: Connect, broker: EventBroker
    ) -> None:
        broker.receive()
        channel(url).queue_delete("rasa_core_events")
        with pytest.raises(BrokerUnavailable):
            receive(broker, 1)
        broker.receive()
        self.publish(connect, [b"{}"])
        assert bodies(receive(broker, 1)) == [b"{}"]

    def test_a_consumer_answers_heartbeats(self, broker: EventBroker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("events.brokers.rabbitmq.HEARTBEAT_SECONDS", 1)
        for _ in range(6):
            assert broker.receive() == []
        assert isinstance(broker, RabbitMQEventBroker)
        assert broker._generation == 1

    def test_nobody_listening_is_said_at_once(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(BrokerUnavailable, match=f"RabbitMQ at {address}.*refused"):
            RabbitMQEventBroker(f"amqp://{address}").receive()

    def test_a_server_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("events.brokers.rabbitmq.CONNECT_SECONDS", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            started = time.monotonic()
            with pytest.raises(BrokerUnavailable, match="timed out"):
                RabbitMQEventBroker(f"amqp://127.0.0.1:{silent.getsockname()[1]}").receive()
        assert time.monotonic() - started < 5


def test_a_killed_server_is_unavailable_and_then_works_again(private_rabbitmq: RabbitMQServer) -> None:
    broker = RabbitMQEventBroker(private_rabbitmq.url)
    for body in numbered(3):
        broker.publish(body)
    unacknowledged = receive(broker, 3)
    private_rabbitmq.sync()
    private_rabbitmq.kill()
    with pytest.raises(BrokerUnavailable):
        receive(broker, 1)
    with pytest.raises(BrokerUnavailable):
        broker.publish(b"{}")
    private_rabbitmq.start()
    assert bodies(receive(broker, 3)) == numbered(3)
    broker.acknowledge(unacknowledged)
    broker.close()
    assert bodies(receive(broker, 3)) == numbered(3)


def test_a_frozen_server_does_not_hang_a_publisher(
    private_rabbitmq: RabbitMQServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.brokers.rabbitmq.ANSWER_SECONDS", 1)
    broker = RabbitMQEventBroker(private_rabbitmq.url)
    broker.publish(b"1")
    private_rabbitmq.freeze()
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        broker.publish(b"2")
    assert time.monotonic() - started < 6
    private_rabbitmq.thaw()
    broker.publish(b"3")
    broker.close()


def test_nothing_is_declared_durable_that_rasa_does_not(private_rabbitmq: RabbitMQServer) -> None:
    """After a restart the exchange is gone and the queue with its messages is not."""
    broker = RabbitMQEventBroker(private_rabbitmq.url)
    broker.publish(b"kept")
    private_rabbitmq.restart()
    assert "rasa-exchange" not in private_rabbitmq.ctl("list_exchanges", "name")
    with pytest.raises(BrokerUnavailable):
        broker.publish(b"lost connection")
    assert bodies(receive(broker, 1)) == [b"kept"]
    broker.close()
