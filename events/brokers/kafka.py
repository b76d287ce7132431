"""Kafka, Rasa's `type: kafka`; Rasa's documentation, "Event Brokers", section "Kafka Event Broker"."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from time import monotonic
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker, Message, batch, sender_id

DEFAULT_TOPIC = "rasa_core_events"
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
ENVIRONMENT = "RASA_ENVIRONMENT"
NO_ENVIRONMENT = "RASA_ENVIRONMENT_NOT_SET"  # what Rasa sends when the variable is not set
ANSWER_SECONDS = 10
SESSION_SECONDS = 10  # after which the group gives a dead consumer's partitions to the others
LARGEST_MESSAGE = 20_000_000  # ours; the server has a limit of its own
MESSAGES_AT_ONCE = 100
REFUSED = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.TOPIC_AUTHORIZATION_FAILED}
GONE = {KafkaError._ALL_BROKERS_DOWN, KafkaError._FATAL}
NOT_YET = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
# A commit after a rebalance: the partition is another consumer's now, which receives its messages again.
REBALANCED = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._ASSIGNMENT_LOST,
    KafkaError._NO_OFFSET,
}


class KafkaEventBroker(EventBroker):
    """Consumes as a member of the group `group_id`; the other parameters are Rasa's."""

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        url: str | Sequence[str] = "localhost:9092",
        *,
        topic: str = DEFAULT_TOPIC,
        client_id: str | None = None,
        group_id: str = "rasax",
        partition_by_sender: bool | str = False,
        sasl_username: str | None = None,
        sasl_password: str | None = None,
        sasl_mechanism: str = "PLAIN",
        security_protocol: str = "SASL_PLAINTEXT",
        ssl_cafile: str | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_check_hostname: bool | str = False,
        **_: Any,
    ) -> None:
        protocol = security_protocol.upper()
        if protocol not in PROTOCOLS:
            raise BrokerMisconfigured(f"Kafka's security_protocol {protocol} is unknown; set {', '.join(PROTOCOLS)}")
        sasl = {"sasl.username": sasl_username, "sasl.password": sasl_password, "sasl.mechanism": sasl_mechanism}
        tls = {
            "ssl.ca.location": ssl_cafile,
            "ssl.certificate.location": ssl_certfile,
            "ssl.key.location": ssl_keyfile,
            "ssl.endpoint.identification.algorithm": "https" if _is_true(ssl_check_hostname) else "none",
        }
        settings = {
            "bootstrap.servers": url if isinstance(url, str) else ",".join(url),
            "client.id": client_id,
            "security.protocol": protocol,
            "socket.timeout.ms": ANSWER_SECONDS * 1000,
            "message.max.bytes": LARGEST_MESSAGE,
            "log_level": 2,  # it repeats every failure several times a second; we raise them
            **(sasl if protocol.startswith("SASL") else {}),
            **(tls if protocol.endswith("SSL") else {}),
        }
        self.topic = topic
        self._group_id = group_id
        self._by_sender = _is_true(partition_by_sender)
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._consumer: Any = None
        self._producer: Any = None
        self._waiting: deque[Message] | None = None  # None while not subscribed
        self._generation = 0
        self._failure: KafkaError | None = None

    def publish(self, body: bytes, environment: str | None = None) -> None:
        reports: list[KafkaError | None] = []
        with self._talking():
            producer = self._producing()
            producer.produce(
                self.topic,
                body,
                key=sender_id(body) if self._by_sender else None,
                headers=[(ENVIRONMENT, environment.encode())] if environment else [],
                on_delivery=lambda error, _: reports.append(error),
            )
            producer.flush(ANSWER_SECONDS + 1)
            failure = reports[0] if reports else KafkaError(KafkaError._MSG_TIMED_OUT)
            if failure is not None:
                raise KafkaException(failure)

    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:
        with self._talking():
            waiting = self._subscribed()
            deadline = monotonic() + 1.0
            while not waiting and (remaining := deadline - monotonic()) > 0:
                self._take(1, remaining)
            deadline = monotonic() + wait
            while waiting and len(waiting) < limit and _size(waiting) < max_bytes:
                if (remaining := deadline - monotonic()) <= 0:
                    break
                self._take(min(MESSAGES_AT_ONCE, limit - len(waiting)), remaining)
            return batch(waiting, limit, max_bytes)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Commits the offset after the batch's last message of each partition that is still ours."""
        ours = [message.receipt for message in messages if message.receipt[0] == self._generation]
        if not ours or self._consumer is None:
            return
        with self._talking():
            assigned = {partition.partition for partition in self._consumer.assignment()}
            offsets = {partition: offset + 1 for _, partition, offset in ours if partition in assigned}
            if offsets:
                self._commit([TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()])

    def depth(self) -> int:
        """The group's lag: the messages after what it has committed."""
        # By a client of its own: the server answers a connection in order, and a consumer's has a fetch waiting on it.
        with self._talking(), closing(self._client(Consumer, {"group.id": self._group_id})) as consumer:
            topic = consumer.list_topics(self.topic, timeout=ANSWER_SECONDS).topics[self.topic]
            partitions = [TopicPartition(self.topic, number) for number in topic.partitions]
            committed = consumer.committed(partitions, timeout=ANSWER_SECONDS) if partitions else []
            return sum(_lag(consumer, partition) for partition in committed)

    def close(self) -> None:
        consumer = self._consumer
        self._consumer = self._producer = self._waiting = self._failure = None
        self._generation += 1
        if consumer is not None:
            with suppress(Exception):  # the group notices by itself
                consumer.close()

    def _producing(self) -> Any:
        if self._producer is None:
            self._producer = self._client(Producer, {"acks": "all", "message.timeout.ms": ANSWER_SECONDS * 1000})
        return self._producer

    def _subscribed(self) -> deque[Message]:
        if self._waiting is None:
            self._consumer = self._client(
                Consumer,
                {
                    "group.id": self._group_id,
                    "session.timeout.ms": int(SESSION_SECONDS * 1000),
                    "heartbeat.interval.ms": int(SESSION_SECONDS * 300),
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "allow.auto.create.topics": True,  # whoever comes first makes it, Rasa's producer or we
                    "topic.metadata.refresh.interval.ms": 1000,  # else a topic made later is found after minutes
                    "queued.max.messages.kbytes": 16_384,
                },
            )
            self._consumer.subscribe([self.topic])
            self._waiting = deque()
        return self._waiting

    def _client(self, kind: Any, settings: dict[str, Any]) -> Any:
        try:
            return kind({**self._settings, **settings, "error_cb": self._on_error})
        except (KafkaException, TypeError, ValueError) as error:
            raise BrokerMisconfigured(
                f"{self._where()}: {_reason(error)}; correct event_broker's parameters"
            ) from error

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in GONE | REFUSED:
            self._failure = error

    def _take(self, count: int, timeout: float) -> None:
        received = self._consumer.consume(count, timeout)
        for message in received:
            if message.error() is None:
                self._failure = None
                self._append(message)
            elif message.error().code() not in NOT_YET:
                raise KafkaException(message.error())
        if self._failure is not None and not received:
            raise KafkaException(self._failure)

    def _append(self, message: Any) -> None:
        environment = dict(message.headers() or []).get(ENVIRONMENT)
        name = environment.decode("utf-8", "replace") if environment else None
        receipt = (self._generation, message.partition(), message.offset())
        if self._waiting is not None:
            self._waiting.append(Message(message.value() or b"", None if name == NO_ENVIRONMENT else name, receipt))

    def _commit(self, offsets: list[TopicPartition]) -> None:
        try:
            results = self._consumer.commit(offsets=offsets, asynchronous=False)
            errors = [partition.error for partition in results if partition.error]
        except KafkaException as error:
            errors = [error.args[0]]
        serious = [error for error in errors if error.code() not in REBALANCED]
        if serious:
            raise KafkaException(serious[0])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            refused = error.args[0].code() in REFUSED
            self.close()
            text = f"{self._where()}: {_reason(error)}"
            if refused:
                raise BrokerMisconfigured(f"{text}; set the sasl_, ssl_ and security_protocol parameters") from error
            raise BrokerUnavailable(text) from error

    def _where(self) -> str:
        return f"Kafka at {self._settings['bootstrap.servers']}, topic {self.topic}"


def _size(messages: deque[Message]) -> int:
    return sum(len(message.body) for message in messages)


def _lag(consumer: Any, committed: TopicPartition) -> int:
    low, high = consumer.get_watermark_offsets(committed, timeout=ANSWER_SECONDS)
    start = committed.offset if committed.offset >= 0 else low
    return max(0, int(high) - int(start))


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)


def _is_true(value: bool | str) -> bool:
    """A `${VAR}` in endpoints.yml is a text, "false" too."""
    return value if isinstance(value, bool) else value.strip().lower() in ("true", "1", "yes", "on")
