"""RabbitMQ, Rasa's `type: pika`; Rasa's documentation, "Event Brokers", section "Pika Event Broker"."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, PreconditionFailed
from kombu.connection import Connection

from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker, Message
from events.brokers.deliveries import Deliveries

DEFAULT_EXCHANGE = "rasa-exchange"
DEFAULT_QUEUE = "rasa_core_events"
EXPORT_HEADER = "rasa-export-process-id"  # 32 hex digits, as `rasa export` sends it
CONNECT_SECONDS = 5
ANSWER_SECONDS = 10  # for any single answer of the server; without it a stopped server blocks for ever
HEARTBEAT_SECONDS = 60
USUAL_LIMIT = 1000  # the prefetch of a consumer cannot grow, and later calls may ask for more than the first
LARGEST_PREFETCH = 65_535  # the field is a short


class RabbitMQEventBroker(EventBroker):
    """Consumes the first of `queues`: Rasa publishes every event to all of them.

    The parameters are Rasa's; those that only concern how Rasa publishes are accepted and without effect. `url` is a
    host, or a whole amqp:// or amqps:// URL whose query may hold cacertfile, certfile and keyfile. As for Rasa, the
    environment variables RABBITMQ_SSL_CLIENT_CERTIFICATE and RABBITMQ_SSL_CLIENT_KEY switch TLS on.
    """

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        url: str = "localhost",
        *,
        port: int | str = 5672,
        username: str = "guest",
        password: str = "guest",  # noqa: S107 - RabbitMQ's own, accepted by it on the same machine only
        exchange_name: str = DEFAULT_EXCHANGE,
        queues: str | Sequence[str] | None = None,
        **_: Any,
    ) -> None:
        self.exchange_name = exchange_name
        self.queues = [queues] if isinstance(queues, str) else list(queues or [DEFAULT_QUEUE])
        self._address = _address(url, port, username, password)
        self._generation = 0
        self._deliveries: Deliveries | None = None
        self._consumer: Any = None  # channels of two connections: RabbitMQ may block one that publishes
        self._publisher: Any = None

    def publish(self, body: bytes, environment: str | None = None) -> None:
        message = amqp.Message(
            body,
            application_headers={EXPORT_HEADER: self.export_id} if self.export_id else {},
            delivery_mode=2,
            priority=0,
            message_id=uuid4().hex,
            app_id=environment,
        )
        with self._talking():
            self._publishing().basic_publish(
                message, exchange=self.exchange_name, routing_key="", mandatory=True, timeout=ANSWER_SECONDS
            )

    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:
        with self._talking():
            deliveries = self._deliveries or self._consume(limit)
            deliveries.fill(limit, max_bytes, wait)
            self._consumer.connection.heartbeat_tick()
            return deliveries.take(limit, max_bytes)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Delivery tags count up within a connection: one acknowledgement speaks for a whole batch."""
        if not messages:
            return
        generation, tag = messages[-1].receipt
        if self._deliveries is not None and generation == self._generation:
            with self._talking():
                self._consumer.basic_ack(tag, multiple=True)

    def depth(self) -> int:
        """Messages that no consumer has been given yet."""
        with self._talking():
            return int(self._publishing().queue_declare(self.queues[0], passive=True).message_count)

    def close(self) -> None:
        channels = (self._consumer, self._publisher)
        self._consumer = self._publisher = self._deliveries = None
        for channel in channels:
            with suppress(Exception):  # it may be broken in any way; nothing is lost with it
                channel and channel.connection.close()

    def _consume(self, limit: int) -> Deliveries:
        self._generation += 1
        channel = self._open(frame_handler=partial(Deliveries, self._generation))
        self._consumer = channel
        channel.basic_qos(0, min(2 * max(limit, USUAL_LIMIT), LARGEST_PREFETCH), False)
        channel.basic_consume(self.queues[0])
        self._deliveries = channel.connection.on_inbound_frame
        return self._deliveries

    def _publishing(self) -> Any:
        if self._publisher is None:
            self._publisher = self._open(confirm_publish=True)
        return self._publisher

    def _open(self, **options: Any) -> Any:
        """A channel of a new connection, with Rasa's exchange and queues."""
        try:
            connection = Connection(  # type: ignore[no-untyped-call]
                **self._address,
                transport="pyamqp",
                login_method="PLAIN",
                connect_timeout=CONNECT_SECONDS,
                heartbeat=HEARTBEAT_SECONDS,
                transport_options=options,
            ).transport.establish_connection()
            try:
                connection.sock.settimeout(ANSWER_SECONDS)
                return self._declare(connection.channel())
            except BaseException:
                connection.collect()
                raise
        except PreconditionFailed as error:
            reason = "Rasa cannot use it either; delete it there, or set another name"
            raise BrokerMisconfigured(f"{self._where()}: {error}; {reason}") from error
        except (AccessRefused, NotAllowed) as error:
            reason = "set a user, password and virtual host with permission to configure, write and read"
            raise BrokerMisconfigured(f"{self._where()}: {error}; {reason}") from error

    def _declare(self, channel: Any) -> Any:
        """Exactly as Rasa does: whoever comes first makes them, and other flags are refused with 406."""
        channel.exchange_declare(self.exchange_name, "fanout", durable=False, auto_delete=False)
        for queue in self.queues:
            channel.queue_declare(queue, durable=True, auto_delete=False)
            channel.queue_bind(queue, self.exchange_name, "")
        return channel

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (AMQPError, OSError) as error:
            self.close()
            raise BrokerUnavailable(f"{self._where()}: {error or type(error).__name__}") from error

    def _where(self) -> str:
        return "RabbitMQ at {hostname}:{port}, virtual host {virtual_host}".format(**self._address)


def _address(url: str, port: int | str, username: str, password: str) -> dict[str, Any]:
    """kombu's connection parameters. What the URL says goes before the separate parameters."""
    parts = urlsplit(url if "://" in url else f"amqp://{url}")
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise BrokerMisconfigured(
            f"{parts.scheme}://{parts.hostname} is no RabbitMQ address; set a host or amqp://host"
        )
    try:
        number = parts.port or int(port)
    except ValueError as error:
        raise BrokerMisconfigured(f"the port of RabbitMQ is not a number ({error}); set one such as 5672") from error
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "hostname": f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
        "port": number,
        "userid": unquote(parts.username or username),
        "password": unquote(parts.password or password),
        "virtual_host": unquote(parts.path[1:]) or "/",
        "ssl": _tls(parts.scheme, parts.hostname, query),
    }


def _tls(scheme: str, hostname: str, query: dict[str, str]) -> dict[str, Any] | bool:
    certificate = query.get("certfile") or os.environ.get("RABBITMQ_SSL_CLIENT_CERTIFICATE")
    key = query.get("keyfile") or os.environ.get("RABBITMQ_SSL_CLIENT_KEY")
    if scheme != "amqps" and not (certificate and key):
        return False
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": hostname,
        "ca_certs": query.get("cacertfile"),
        "certfile": certificate,
        "keyfile": key,
    }
