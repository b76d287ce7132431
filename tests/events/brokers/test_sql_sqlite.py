from pathlib import Path

import pytest

from events.brokers.base import BrokerUnavailable, EventBroker
from events.brokers.sql import SQLEventBroker
from tests.events.brokers.contract import bodies, receive
from tests.events.brokers.sql_contract import Run, SQLEventBrokerContract


class TestSQLEventBrokerOnSQLite(SQLEventBrokerContract):
    strange_bodies = [b"a\x00b", b"not JSON", "Grüße 👋 \u2028".encode()]

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/events.db"

    def test_rasas_own_parameters_name_the_file(self, tmp_path: Path) -> None:
        broker = SQLEventBroker(dialect="sqlite", db=str(tmp_path / "own.db"))
        assert broker.receive() == []
        broker.close()
        assert (tmp_path / "own.db").exists()

    def test_data_that_is_not_text_blocks_nothing(self, broker: EventBroker, run: Run) -> None:
        broker.receive()
        run("INSERT INTO events (id, data) VALUES (1, CAST(x'ff00fe' AS TEXT)), (2, x'80'), (3, '{}')")
        assert bodies(receive(broker, 3)) == [b"\xff\x00\xfe", b"\x80", b"{}"]

    def test_a_folder_that_is_missing_is_unavailable_and_named(self, tmp_path: Path) -> None:
        with pytest.raises(BrokerUnavailable, match=r"nowhere/events.db: unable to open database file"):
            SQLEventBroker(f"sqlite:///{tmp_path}/nowhere/events.db").receive()
