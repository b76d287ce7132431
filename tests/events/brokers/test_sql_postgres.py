from uuid import uuid4

import pytest

from events.brokers.base import BrokerUnavailable, PositionInMemory
from events.brokers.sql import SQLEventBroker
from tests.events.brokers.contract import bodies, numbered, receive
from tests.events.brokers.sql_contract import SQLEventBrokerContract
from tests.servers.postgres import PostgresServer


class TestSQLEventBrokerOnPostgreSQL(SQLEventBrokerContract):
    strange_bodies = [b"not JSON", "Grüße 👋 \u2028".encode()]

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        return postgres.create_database(f"broker_{uuid4().hex}")

    def test_nobody_listening_is_unavailable_without_telling_the_password(self) -> None:
        with pytest.raises(BrokerUnavailable) as caught:
            SQLEventBroker("postgresql://rasa:secret-word@127.0.0.1:1/events").receive()
        assert "127.0.0.1:1" in str(caught.value)
        assert "secret-word" not in str(caught.value)


def test_a_killed_server_is_unavailable_and_then_works_again(private_postgres: PostgresServer) -> None:
    broker = SQLEventBroker(private_postgres.create_database("events"), position=PositionInMemory())
    for body in numbered(3):
        broker.publish(body)
    broker.acknowledge(receive(broker, 1, limit=1))
    unacknowledged = receive(broker, 2)
    private_postgres.kill()
    with pytest.raises(BrokerUnavailable):
        broker.receive()
    private_postgres.start()
    broker.acknowledge(unacknowledged)
    assert bodies(receive(broker, 2)) == numbered(3)[1:]
    broker.close()
