"""The private servers themselves: they answer, keep their data when they are killed, and leave nothing behind."""

import contextlib
import importlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import redis

from tests.servers.kafka import KafkaMock
from tests.servers.postgres import PostgresServer
from tests.servers.process import HOST, Server, ServerError, free_port, port_answers
from tests.servers.rabbitmq import VHOSTS_AT_ONCE, RabbitMQServer
from tests.servers.redis import RedisServer

PROJECT = Path(__file__).parents[2]
kombu: Any = importlib.import_module("kombu")  # it says that it is typed, and is not


def run_sql(url: str, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def publish(url: str, queue: str, text: str) -> None:
    """Returns when the broker has confirmed, so that a persistent message is on its disk."""
    with kombu.Connection(url, transport_options={"confirm_publish": True}) as connection:
        target = kombu.Queue(queue, durable=True)
        connection.Producer().publish(text, routing_key=queue, declare=[target], delivery_mode=2, serializer="json")


def fetch(url: str, queue: str) -> object:
    with kombu.Connection(url) as connection:
        message = kombu.Queue(queue, channel=connection.channel()).get(no_ack=True)
        return message.payload if message else None


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(truth: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_postgres_answers_in_a_database_of_its_own(postgres: PostgresServer) -> None:
    url = postgres.create_database(f"own_{uuid4().hex}")
    assert run_sql(url, "select 1") == [(1,)]
    assert run_sql(url, "select upper('ž'), current_setting('fsync')") == [("Ž", "on")]


def test_postgres_keeps_a_committed_row_when_it_is_killed(private_postgres: PostgresServer) -> None:
    url = private_postgres.create_database("kept")
    run_sql(url, "create table word (text text)")
    run_sql(url, "insert into word values ('committed')")
    before = private_postgres.processes()
    private_postgres.kill()
    assert not any(map(is_alive, before))
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)
    private_postgres.start()
    assert run_sql(url, "select text from word") == [("committed",)]


def test_rabbitmq_delivers_in_a_virtual_host_of_its_own(rabbitmq: RabbitMQServer) -> None:
    url = rabbitmq.new_vhost()
    publish(url, "hello", "world")
    assert fetch(url, "hello") == "world"
    assert rabbitmq.new_vhost() != url


def test_rabbitmq_makes_more_virtual_hosts_when_those_made_in_advance_are_used_up(rabbitmq: RabbitMQServer) -> None:
    urls = [rabbitmq.new_vhost() for _ in range(VHOSTS_AT_ONCE + 1)]
    assert len(set(urls)) == len(urls)
    publish(urls[-1], "one more", "here")
    assert fetch(urls[-1], "one more") == "here"


def test_rabbitmq_keeps_a_persistent_message_when_it_is_killed(private_rabbitmq: RabbitMQServer) -> None:
    publish(private_rabbitmq.url, "kept", "persistent")
    before = private_rabbitmq.processes()
    private_rabbitmq.sync()
    private_rabbitmq.kill()
    assert not any(map(is_alive, before))
    assert not port_answers(private_rabbitmq.port)
    private_rabbitmq.start()
    assert fetch(private_rabbitmq.url, "kept") == "persistent"


def test_redis_keeps_a_value_when_it_is_killed() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
        client.set("word", "kept")
        server.kill()
        server.start()
        assert client.get("word") == b"kept"


def test_kafka_returns_what_was_produced(kafka: KafkaMock) -> None:
    from confluent_kafka import Consumer, Producer

    topic = f"topic-{uuid4().hex}"
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"hello", key=b"alice")
    assert producer.flush(20) == 0
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        assert message is not None
        assert (message.key(), message.value()) == (b"alice", b"hello")
    finally:
        consumer.close()


def test_a_shared_server_cannot_be_stopped_by_a_test(redis_server: RedisServer) -> None:
    for deed in (redis_server.stop, redis_server.kill, redis_server.close, redis_server.restart, redis_server.freeze):
        with pytest.raises(ServerError, match="Other tests use this redis server"):
            deed()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()


def test_a_frozen_server_keeps_its_port_open_and_does_not_answer_until_it_is_thawed() -> None:
    with RedisServer() as server:
        server.freeze()
        with redis.Redis.from_url(server.url, socket_timeout=0.3) as client:
            assert port_answers(server.port)
            with pytest.raises(redis.TimeoutError):
                client.ping()
            server.thaw()
            assert client.ping()


@pytest.mark.parametrize("kind", [PostgresServer, RedisServer, KafkaMock])
def test_nothing_is_left_of_a_server_that_was_closed(kind: type[Server]) -> None:
    with kind() as server:
        processes = server.processes()
        assert len(processes) > 1
    assert not any(map(is_alive, processes))
    assert not server.folder.exists()


@pytest.mark.parametrize("kind", [PostgresServer, RabbitMQServer])
def test_nothing_is_left_of_a_server_whose_tests_were_killed(kind: type[Server]) -> None:
    code = f"""
        import sys, time
        from {kind.__module__} import {kind.__name__}
        server = {kind.__name__}().start()
        print(server.folder, *server.processes(), flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        try:
            assert tests.stdout
            folder, *processes = tests.stdout.readline().split()
            # Some, not all: a server's first processes include short-lived ones.
            assert any(is_alive(int(pid)) for pid in processes)
        finally:
            tests.kill()
    assert eventually(lambda: not any(is_alive(int(pid)) for pid in processes))
    assert eventually(lambda: not Path(folder).exists())


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServerError, match="unrecognized configuration parameter"), PostgresServer(no_such_option=1):
        pass


def test_ports_are_free_and_not_those_the_kernel_gives_to_clients() -> None:
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert port < lowest_ephemeral
    assert HOST == "127.0.0.1"
    assert not port_answers(port)
