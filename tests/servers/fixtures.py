"""Private servers as pytest fixtures, each started when a test first asks for it.

`postgres`, `rabbitmq`, `redis_server` and `kafka` are one server for the whole run, whatever the number of workers:
take a database, a virtual host, a key prefix or a topic of your own. A test that stops or kills a server takes
`private_postgres` or `private_rabbitmq`. `rasa` and `old_rasa` are stand-ins in this process, new for each test.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaMock
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.servers.rasa import RasaStandIn
from tests.servers.redis import RedisServer
from tests.servers.sharing import shared_server


@pytest.fixture(scope="session")
def server_addresses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder through which the workers of this run find each other's servers."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres(server_addresses: Path) -> Iterator[PostgresServer]:
    with shared_server(PostgresServer, server_addresses) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(server_addresses: Path) -> Iterator[RabbitMQServer]:
    with shared_server(RabbitMQServer, server_addresses) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(server_addresses: Path) -> Iterator[RedisServer]:
    with shared_server(RedisServer, server_addresses) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(server_addresses: Path) -> Iterator[KafkaMock]:
    with shared_server(KafkaMock, server_addresses) as server:
        yield server


@pytest.fixture
def private_postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def private_rabbitmq() -> Iterator[RabbitMQServer]:
    with RabbitMQServer() as server:
        yield server


@pytest.fixture
def rasa(settings) -> Iterator[RasaStandIn]:  # type: ignore[no-untyped-def]
    """A Rasa 3.6.21, with which rasax may speak."""
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with RasaStandIn(token="tok3n") as server:
        yield server


@pytest.fixture
def old_rasa(settings) -> Iterator[RasaStandIn]:  # type: ignore[no-untyped-def]
    """A Rasa 2.8.34, with which rasax may speak."""
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with RasaStandIn("2.8.34", token="tok3n") as server:
        yield server
