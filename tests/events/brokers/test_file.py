import json
import subprocess
import sys
from pathlib import Path

import pytest

from events.brokers.base import BrokerUnavailable, EventBroker, PositionInMemory
from events.brokers.file import FileEventBroker
from tests.events.brokers.contract import Connect, EventBrokerContract, bodies, numbered, receive

SLOW_WRITER = """
import sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    for number in range(300):
        line = b'{"number": %d, "text": "%s"}' % (number, b"x" * (number % 7 * 5000))
        half = len(line) // 2
        file.write(line[:half])
        if number % 50 == 0:
            time.sleep(0.1)
        file.write(line[half:] + b"\\n")
"""


class TestFileEventBroker(EventBrokerContract):
    carries_environment = False

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "rasa_event.log"

    @pytest.fixture
    def make(self, path: Path) -> Connect:
        position = PositionInMemory()
        return lambda: FileEventBroker(str(path), position=position)

    def test_a_line_break_in_a_message_is_refused(self, broker: EventBroker) -> None:
        with pytest.raises(ValueError, match="line break"):
            broker.publish(b"a\nb")

    def test_a_file_that_does_not_exist_yet_gives_nothing(self, broker: EventBroker, path: Path) -> None:
        assert broker.receive() == []
        path.write_bytes(b"{}\n")
        assert bodies(receive(broker, 1)) == [b"{}"]

    def test_a_line_waits_for_its_end(self, broker: EventBroker, path: Path) -> None:
        path.write_bytes(b"1\n2")
        assert bodies(broker.receive()) == [b"1"]
        assert broker.receive() == []
        with path.open("ab") as file:
            file.write(b"2\n")
        assert bodies(receive(broker, 1)) == [b"22"]

    def test_a_line_of_ten_megabytes_is_read(self, broker: EventBroker) -> None:
        body = b"x" * 10_000_000
        broker.publish(body)
        broker.publish(b"{}")
        assert bodies(receive(broker, 2)) == [body, b"{}"]

    def test_an_empty_line_is_passed_over(self, broker: EventBroker, path: Path) -> None:
        path.write_bytes(b"\n1\n\n2\n")
        assert bodies(receive(broker, 2)) == [b"1", b"2"]

    def test_it_is_read_whole_while_another_process_writes(self, broker: EventBroker, path: Path) -> None:
        writer = subprocess.Popen([sys.executable, "-c", SLOW_WRITER, str(path)])
        got = receive(broker, 300)
        assert writer.wait() == 0
        assert [json.loads(body)["number"] for body in bodies(got)] == list(range(300))

    def test_a_renamed_file_is_read_to_its_end_before_the_new_one(self, broker: EventBroker, path: Path) -> None:
        path.write_bytes(b"1\n2\n")
        broker.acknowledge(broker.receive(limit=1))
        path.rename(path.with_suffix(".1"))
        path.write_bytes(b"3\n")
        assert bodies(receive(broker, 2)) == [b"2", b"3"]

    @pytest.mark.parametrize("new", [b"8\n", b"8\n9\n10\n11\n"], ids=["shorter", "longer"])
    def test_a_truncated_file_is_read_from_its_start(self, broker: EventBroker, path: Path, new: bytes) -> None:
        path.write_bytes(b"1\n2\n3\n")
        broker.acknowledge(receive(broker, 3))
        path.write_bytes(new)
        assert bodies(receive(broker, new.count(b"\n"))) == new.split()

    def test_a_file_replaced_between_two_runs_is_read_from_its_start(self, connect: Connect, path: Path) -> None:
        path.write_bytes(b"1\n2\n")
        first = connect()
        first.acknowledge(receive(first, 2))
        first.close()
        path.unlink()
        path.write_bytes(b"3\n4\n5\n")
        assert bodies(receive(connect(), 3)) == [b"3", b"4", b"5"]

    def test_without_a_position_everything_is_received_again(self, path: Path) -> None:
        path.write_bytes(b"\n".join(numbered(3)) + b"\n")
        for _ in range(2):
            broker = FileEventBroker(str(path))
            broker.acknowledge(receive(broker, 3))
            broker.close()

    def test_a_path_that_cannot_be_read_is_unavailable_and_named(self, tmp_path: Path) -> None:
        with pytest.raises(BrokerUnavailable, match=str(tmp_path)):
            FileEventBroker(str(tmp_path)).receive()
