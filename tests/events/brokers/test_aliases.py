import sys
from pathlib import Path
from typing import Any

import pytest

from events import brokers
from events.brokers import create, from_url
from events.brokers.base import BrokerMisconfigured, EventBroker, PositionInMemory
from events.brokers.file import FileEventBroker
from events.brokers.kafka import KafkaEventBroker
from events.brokers.memory import InMemoryEventBroker
from events.brokers.rabbitmq import RabbitMQEventBroker
from events.brokers.sql import SQLEventBroker
from events.endpoints import EndpointConfig


class OwnBroker(InMemoryEventBroker):
    """What an installation may bring itself; Rasa's custom stores and brokers call the address `host`."""

    def __init__(self, host: str, colour: str = "red") -> None:
        super().__init__(host)
        self.arguments = (host, colour)


OWN = f"{OwnBroker.__module__}.OwnBroker"


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (None, {}, RabbitMQEventBroker),
        ("pika", {"should_keep_unpublished_messages": False, "raise_on_failure": True}, RabbitMQEventBroker),
        ("PIKA", {"port": "5673"}, RabbitMQEventBroker),
        ("Kafka", {"sasl_username": "a", "unknown_to_us": 1}, KafkaEventBroker),
        ("SQL", {"dialect": "sqlite", "db": ":memory:"}, SQLEventBroker),
        ("File", {"path": "x"}, FileEventBroker),
        ("memory", {}, InMemoryEventBroker),
    ],
)
def test_rasas_types_are_found_in_any_case(
    kind: str | None, params: dict[str, Any], expected: type[EventBroker]
) -> None:
    url = None if expected in (FileEventBroker, SQLEventBroker) else "localhost"
    assert type(create(EndpointConfig(kind, url, params))) is expected


def test_a_dotted_path_is_called_with_the_host_and_the_sections_parameters() -> None:
    broker = create(EndpointConfig(OWN, "there", {"colour": "blue"}))
    assert isinstance(broker, OwnBroker)
    assert broker.arguments == ("there", "blue")


def test_a_position_goes_to_the_brokers_that_ask_for_one(tmp_path: Path) -> None:
    position = PositionInMemory()
    broker = create(EndpointConfig("file", None, {"path": str(tmp_path / "log")}), position=position)
    broker.publish(b"{}")
    broker.acknowledge(broker.receive())
    assert '"offset": 3' in (position.load() or "")
    assert isinstance(create(EndpointConfig(OWN, "there"), position=position), OwnBroker)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (EndpointConfig("pikka"), "unknown event broker type 'pikka'; set one of file, kafka"),
        (EndpointConfig("nowhere.Broker"), r"'nowhere.Broker' cannot be imported.*set `type`"),
        (EndpointConfig("events.endpoints.Endpoints"), "is not an EventBroker class"),
        (EndpointConfig("events.endpoints.Nothing"), "is not an EventBroker class"),
        (EndpointConfig("file", None, {"pfad": "x"}), "file has got an unexpected keyword argument 'pfad'"),
        (EndpointConfig(OWN), "missing a required argument: 'host'"),
        (EndpointConfig("pika", "amqp://host", {"port": "many"}), "port of RabbitMQ is not a number"),
        (EndpointConfig("pika", "http://host"), "http://host is no RabbitMQ address"),
        (EndpointConfig("sql", "host", {"dialect": "postgresql", "port": "many"}), "port is not a number"),
        (EndpointConfig("sql", None, {"dialect": "nosuch"}), "set dialect"),
    ],
)
def test_a_mistake_is_told_in_one_line(endpoint: EndpointConfig, message: str) -> None:
    with pytest.raises(BrokerMisconfigured, match=message) as caught:
        create(endpoint)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "module", "package"),
    [("pika", "kombu", "kombu"), ("kafka", "confluent_kafka", "confluent-kafka"), ("sql", "sqlalchemy", "SQLAlchemy")],
)
def test_a_missing_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str, package: str
) -> None:
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, brokers.ALIASES[kind].rpartition(".")[0])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BrokerMisconfigured, match=f"pip install {package}$"):
        create(EndpointConfig(kind, "localhost"))


def test_a_missing_database_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oracledb", None)
    with pytest.raises(BrokerMisconfigured, match=r"pip install oracledb$"):
        create(EndpointConfig("sql", "localhost", {"dialect": "oracle+oracledb"}))


def test_an_amqp_url_names_the_queue_and_the_exchange() -> None:
    broker = from_url("amqp://rasa:p%40ss@[::1]:5673/a%2Fb?queue=one&queue=two&exchange=other")
    assert isinstance(broker, RabbitMQEventBroker)
    assert (broker.queues, broker.exchange_name) == (["one", "two"], "other")
    assert broker._address == {
        "hostname": "[::1]",
        "port": 5673,
        "userid": "rasa",
        "password": "p@ss",
        "virtual_host": "a/b",
        "ssl": False,
    }


@pytest.mark.parametrize("url", ["amqp://host", "amqp://host/", "amqp://host//", "amqp://host/%2F"])
def test_the_usual_virtual_host_is_written_in_several_ways(url: str) -> None:
    broker = from_url(url)
    assert isinstance(broker, RabbitMQEventBroker)
    assert broker._address["virtual_host"] == "/"
    assert broker.queues == ["rasa_core_events"]


def test_amqps_verifies_the_servers_certificate() -> None:
    broker = from_url("amqps://host/?cacertfile=/ca.pem&queue=one")
    assert isinstance(broker, RabbitMQEventBroker)
    tls = broker._address["ssl"]
    assert (tls["server_hostname"], tls["ca_certs"], tls["cert_reqs"].name) == ("host", "/ca.pem", "CERT_REQUIRED")
    assert broker._address["port"] == 5671


def test_rasas_environment_variables_bring_a_client_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_SSL_CLIENT_CERTIFICATE", "/client.pem")
    monkeypatch.setenv("RABBITMQ_SSL_CLIENT_KEY", "/client.key")
    tls = RabbitMQEventBroker("host", username="rasa", password="p")._address["ssl"]
    assert (tls["certfile"], tls["keyfile"]) == ("/client.pem", "/client.key")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("kafka://a:9092,b:9092/events", {"bootstrap.servers": "a:9092,b:9092", "security.protocol": "PLAINTEXT"}),
        (
            "kafka://rasa:p%40ss@a:9092/events",
            {"security.protocol": "SASL_PLAINTEXT", "sasl.username": "rasa", "sasl.password": "p@ss"},
        ),
        (
            "kafka://a:9092/events?security_protocol=sasl_ssl&sasl_username=rasa&ssl_check_hostname=true",
            {"security.protocol": "SASL_SSL", "ssl.endpoint.identification.algorithm": "https"},
        ),
    ],
)
def test_a_kafka_url_names_servers_and_topic(url: str, expected: dict[str, str]) -> None:
    broker = from_url(url)
    assert isinstance(broker, KafkaEventBroker)
    assert broker.topic == "events"
    assert expected.items() <= broker._settings.items()


def test_a_sql_url_is_sqlalchemys_behind_a_prefix(tmp_path: Path) -> None:
    broker = from_url(f"sql+sqlite:///{tmp_path}/events.db")
    assert broker.receive() == []
    assert (tmp_path / "events.db").exists()
    broker.close()


@pytest.mark.parametrize("url", ["sql+postgres://rasa:p@host/db", "SQL+postgresql://rasa:p@host/db"])
def test_a_postgresql_url_has_two_spellings(url: str) -> None:
    broker = from_url(url)
    assert isinstance(broker, SQLEventBroker)
    assert broker._where == "postgresql://rasa:***@host/db"


def test_a_file_url_is_a_path() -> None:
    absolute, relative = from_url("file:///var/log/rasa%20event.log"), from_url("file://rasa_event.log")
    assert isinstance(absolute, FileEventBroker)
    assert isinstance(relative, FileEventBroker)
    assert (absolute.path, relative.path) == ("/var/log/rasa event.log", "rasa_event.log")


def test_a_memory_url_is_a_name() -> None:
    from_url("memory://test-aliases").publish(b"{}")
    assert from_url("memory://test-aliases").depth() == 1


def test_a_dotted_path_stands_in_place_of_a_scheme() -> None:
    broker = from_url(f"{OWN}://user@host:1/path?colour=blue")
    assert isinstance(broker, OwnBroker)
    assert broker.arguments == ("user@host:1/path", "blue")


@pytest.mark.parametrize("url", ["", "localhost", "redis://localhost"])
def test_another_url_is_told_what_to_be(url: str) -> None:
    with pytest.raises(BrokerMisconfigured, match=r"set (it to|one of)"):
        from_url(url)
