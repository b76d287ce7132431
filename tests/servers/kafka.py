"""A Kafka broker for tests: librdkafka's own mock cluster, which speaks the real protocol over TCP.

It keeps everything in memory: after a stop it is empty, and it listens where the kernel puts it.
"""

import os
import sys
import time
from pathlib import Path
from typing import ClassVar

from tests.servers.process import Server, port_answers

PROJECT = Path(__file__).parents[2]


class KafkaMock(Server):
    name: ClassVar[str] = "kafka"
    port_names: ClassVar[tuple[str, ...]] = ()

    @property
    def address_file(self) -> Path:
        return self.folder / "bootstrap"

    @property
    def bootstrap(self) -> str:
        """host:port, for bootstrap.servers."""
        return self.address_file.read_text()

    @property
    def port(self) -> int:
        return int(self.bootstrap.rpartition(":")[2])

    def command(self) -> list[str]:
        self.address_file.unlink(missing_ok=True)
        return [sys.executable, "-m", "tests.servers.kafka", str(self.address_file)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PROJECT)}

    def answers(self) -> bool:
        return self.address_file.exists() and port_answers(self.port)


def serve(address_file: Path) -> None:
    """Run the mock cluster, which lives as long as the client that asked for it."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 3})
    broker = next(iter(producer.list_topics(timeout=20).brokers.values()))
    unfinished = address_file.with_suffix(".new")
    unfinished.write_text(f"{broker.host}:{broker.port}")
    unfinished.rename(address_file)
    while True:
        producer.poll(1)
        time.sleep(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
