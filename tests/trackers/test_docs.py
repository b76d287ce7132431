"""docs/tracker-stores.md: what it tells people to write works, and nothing is left out."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml

from events.endpoints import read_endpoints
from trackers import stores
from trackers.stores.dynamo import DynamoTrackerStore
from trackers.stores.mongo import MongoTrackerStore
from trackers.stores.redis import RedisTrackerStore
from trackers.stores.sql import SQLTrackerStore

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tracker-stores.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
ENDPOINTS = [text for text in YAML if text.startswith("tracker_store:")]
COMPOSE = [text for text in YAML if text.startswith("services:")]
SECRETS = dict.fromkeys(re.findall(r"\$\{(\w+)\}", TEXT), "secret")


@pytest.mark.parametrize("text", ENDPOINTS)
def test_each_endpoints_yml_makes_a_store(tmp_path: Path, text: str, monkeypatch: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    path = tmp_path / "endpoints.yml"
    path.write_text(text.replace("trackers.rasa.", "trackers.stores.sql."))
    section = read_endpoints(path, SECRETS).tracker_store
    assert section is not None
    stores.create(section).close()


def test_each_store_has_an_endpoints_yml() -> None:
    types = {re.search(r"type: (\S+)", text)[1].lower() for text in ENDPOINTS}  # type: ignore[index]
    assert types == {*stores.ALIASES, "trackers.rasa.sqltrackerstore"} - {"in_memory"}


@pytest.mark.parametrize("text", COMPOSE)
def test_each_compose_service_keeps_its_data(text: str) -> None:
    composed = ruamel.yaml.YAML(typ="safe").load(text)
    for service in composed["services"].values():
        assert ":" in service["image"]
        assert {volume.partition(":")[0] for volume in service["volumes"]} == set(composed["volumes"])


@pytest.mark.parametrize("kind", [SQLTrackerStore, RedisTrackerStore, MongoTrackerStore, DynamoTrackerStore])
def test_each_parameter_is_documented(kind: type) -> None:
    parameters = set(inspect.signature(kind).parameters) - {"domain", "event_broker", "host", "self"}
    assert {name for name in parameters if not re.search(rf"\b{name}\b", TEXT)} == set()


def test_the_class_of_your_own_works() -> None:
    source = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]  # type: ignore[index]
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    store = namespace["ShelfTrackerStore"](host="x", shelf="lower")
    assert issubclass(type(store), stores.TrackerStore)


def test_each_command_is_documented() -> None:
    commands = {path.stem for path in (ROOT / "trackers/management/commands").glob("[a-z]*.py")}
    assert commands
    assert {name for name in commands if f"`{name}`" not in TEXT and f"manage.py {name}" not in TEXT} == set()
