"""From endpoints.yml to a tracker store, and what is said when that cannot be."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from events.endpoints import EndpointsError, read_endpoints
from tests.trackers.conversations import user
from trackers.stores import TrackerStore, TrackerStoreMisconfigured
from trackers.stores.memory import InMemoryTrackerStore
from trackers.stores.redis import RedisTrackerStore
from trackers.stores.sql import SQLTrackerStore
from trackers.tracker import DialogueStateTracker

ROOT = Path(__file__).parents[2]


class CustomTrackerStore(TrackerStore):
    """As Rasa's documentation has it: `save`, `retrieve` and `keys` over whatever there is."""

    def __init__(self, domain: Any = None, host: str = "", event_broker: Any = None, colour: str = "red") -> None:
        super().__init__(domain, event_broker)
        self.host, self.colour = host, colour
        self.trackers: dict[str, DialogueStateTracker] = {}

    async def save(self, tracker: DialogueStateTracker) -> None:
        self.trackers[tracker.sender_id] = tracker

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        return self.trackers.get(sender_id)

    async def keys(self) -> list[str]:
        return list(self.trackers)


def store_of(tmp_path: Path, yaml: str, **environ: str) -> TrackerStore:
    path = tmp_path / "endpoints.yml"
    path.write_text(yaml)
    return TrackerStore.create(read_endpoints(path, environ).tracker_store)


@pytest.mark.parametrize(
    ("yaml", "kind"),
    [
        ("", InMemoryTrackerStore),
        ("tracker_store: {}", InMemoryTrackerStore),
        ("tracker_store: {type: SQL, db: x.db}", SQLTrackerStore),
        ("tracker_store: {type: sql, dialect: postgresql, url: h, port: 5432, login_db: postgres}", SQLTrackerStore),
        ("tracker_store: {store_type: redis, url: h, record_exp: 3600, key_prefix: bot}", RedisTrackerStore),
        ("tracker_store: {type: trackers.stores.redis.RedisTrackerStore, url: h}", RedisTrackerStore),
    ],
)
def test_each_type_of_rasas_makes_its_store(tmp_path: Path, yaml: str, kind: type) -> None:
    assert type(store_of(tmp_path, yaml)) is kind


def test_a_custom_class_gets_host_and_its_parameters(tmp_path: Path) -> None:
    store = store_of(tmp_path, f"tracker_store: {{type: {__name__}.CustomTrackerStore, url: somewhere, colour: blue}}")
    assert (store.host, store.colour) == ("somewhere", "blue")  # type: ignore[attr-defined]


def test_a_custom_store_is_read_like_the_others() -> None:
    store = CustomTrackerStore()
    for name in ("a", "b", "c"):
        store.trackers[name] = DialogueStateTracker.from_events(name, [user(name)])
    assert [page.sender_ids for page in store.pages(size=2)] == [["a", "b"], ["c"]]
    assert [page.sender_ids for page in store.pages(after="b")] == [["c"]]
    assert [stored.events for stored in store.read(["c", "nobody"])] == [[user("c")]]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "tracker_store: {type: klingon}",
            "type 'klingon'; set one of dynamo, in_memory, mongod, rasax",
        ),
        ("tracker_store: {type: no.such.Store}", "'no.such.Store' cannot be imported"),
        ("tracker_store: {type: json.JSONDecoder}", "json.JSONDecoder is not a TrackerStore class"),
        ("tracker_store: {type: redis, urls: h}", "tracker store redis got an unexpected keyword argument 'urls'"),
        ("tracker_store: {type: in_memory, url: h, colour: red}", "unexpected keyword argument 'colour'"),
    ],
)
def test_what_cannot_be_made_is_named(tmp_path: Path, yaml: str, message: str) -> None:
    with pytest.raises(TrackerStoreMisconfigured) as caught:
        store_of(tmp_path, yaml)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "driver", "advice"),
    [
        ("mongod", "pymongo", "install pymongo to use a MongoDB tracker store"),
        ("redis", "redis", "install redis to use a Redis tracker store"),
        ("dynamo", "boto3", "install boto3 to use a DynamoDB tracker store"),
        ("sql", "sqlalchemy", "install SQLAlchemy to use a SQL tracker store"),
        ("sql', 'oracle+oracledb://h/x", "oracledb", "install oracledb to use an Oracle tracker store"),
        ("sql', 'postgresql://h/x", "psycopg2", "install psycopg2-binary to use a PostgreSQL tracker store"),
    ],
)
def test_a_missing_driver_is_named(kind: str, driver: str, advice: str) -> None:
    program = (
        f"import sys; sys.modules[{driver!r}] = None\n"
        "from trackers.stores import TrackerStoreMisconfigured, create\n"
        "from events.endpoints import EndpointConfig\n"
        f"try: create(EndpointConfig('{kind}'))\n"
        "except TrackerStoreMisconfigured as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert advice in run.stdout, run.stderr


def test_a_variable_comes_from_the_environment(tmp_path: Path) -> None:
    yaml = "tracker_store:\n  type: sql\n  dialect: postgresql\n  url: ${HOST}\n  db: x"
    store = store_of(tmp_path, yaml, HOST="db.example")
    assert store._where == "postgresql://db.example/x"  # type: ignore[attr-defined]


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(EndpointsError, match="variable DB_PASSWORD is not set"):
        store_of(tmp_path, "tracker_store:\n  type: sql\n  password: ${DB_PASSWORD}")


def test_the_stores_import_nothing_of_django_and_run_without_msgspec() -> None:
    program = (
        "import sys\n"
        "for name in ('django', 'msgspec', 'ruamel', 'celery', 'events'): sys.modules[name] = None\n"
        "from trackers.stores.memory import InMemoryTrackerStore\n"
        "import trackers.stores.sql, trackers.stores.redis, trackers.stores.mongo, trackers.stores.dynamo\n"
        "store = InMemoryTrackerStore()\n"
        "store.sync.create_tracker('ann')\n"
        "print(store.sync.retrieve('ann').latest_action_name)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout == "action_listen\n", run.stderr


FOR_RASA = [path for path in (ROOT / "trackers" / "stores").glob("*.py") if path.stem != "django"]


@pytest.mark.parametrize("path", [*FOR_RASA, ROOT / "trackers" / "rasa.py"], ids=lambda path: path.stem)
def test_what_rasa_loads_is_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
