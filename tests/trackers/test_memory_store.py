from typing import Any

import pytest

from tests.trackers.contract import TrackerStoreContract
from trackers.stores.memory import InMemoryTrackerStore


class TestInMemoryTrackerStore(TrackerStoreContract):
    @pytest.fixture
    def open_store(self) -> Any:
        data: dict[str, list[str]] = {}

        def opened(**overrides: Any) -> InMemoryTrackerStore:
            store = InMemoryTrackerStore(**overrides)
            store._texts, store._lock = data, first._lock
            return store

        first = InMemoryTrackerStore()
        return opened

    @pytest.fixture
    def break_conversation(self, store: Any) -> Any:
        def break_it(sender_id: str) -> None:
            store._texts[sender_id][0] = "{"

        return break_it
