"""A real Rasa server gets its model from rasax's model server: by its tag, when the tag moves, and when told to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rasax.accounts import jobs
from rasax.accounts.models import Job, User
from rasax.deployment.loading import ask_to_load
from rasax.deployment.models import Model, RasaServer
from tests.inside_rasa.server import rasa_server, train
from tests.inside_rasa.test_training import polled, wait_for

pytestmark = [pytest.mark.rasa, pytest.mark.django_db(transaction=True)]
TOKEN = "a-token-that-only-rasa-servers-know"


@pytest.fixture
def address(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the model with the tag is."""
    monkeypatch.setattr(jobs, "send", lambda pk: None)  # no worker runs beside the test
    settings.RASAX_URL, settings.SERVICE_TOKEN, settings.ALLOW_PRIVATE_ADDRESSES = live_server.url, TOKEN, True
    return f"{live_server.url}/api/projects/default/models/tags/production"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [train(tmp_path_factory.mktemp("bot")) for _ in range(2)]


@pytest.fixture
def models(archives: list[Path], alice: User) -> list[Model]:
    return [Model.objects.keep(path.open("rb"), f"bot-{n}", alice) for n, path in enumerate(archives)]


def is_loaded(model: Model) -> Callable[[], bool]:
    return lambda: model.is_loaded_by(polled())


def serve(folder: Path, **endpoints: Any) -> Any:
    store = {"type": "sql", "dialect": "sqlite", "db": str(folder / "rasa.db")}
    return rasa_server(folder / "none.tar.gz", folder / "rasa", store, **endpoints)


def test_it_pulls_the_model_of_its_tag_and_the_new_one_when_the_tag_moves(
    address: str, models: list[Model], alice: User, tmp_path: Path
) -> None:
    first, second = models
    first.put_tag("production", alice)
    source = {"url": address, "token": TOKEN, "wait_time_between_pulls": 1}
    with serve(tmp_path, models=source) as url:
        RasaServer.objects.add(alice, name="production", url=url, use="production")
        wait_for(is_loaded(first))
        second.put_tag("production", alice)
        wait_for(is_loaded(second))


def test_one_that_asks_nobody_loads_it_when_told_to_and_asks_from_then_on(
    address: str, models: list[Model], alice: User, tmp_path: Path
) -> None:
    first, second = models
    first.put_tag("production", alice)
    with serve(tmp_path) as url:
        server = RasaServer.objects.add(alice, name="production", url=url, use="production")
        job = ask_to_load(server, alice)
        Job.objects.run(job.pk)
        job.refresh_from_db()
        assert job.state == Job.State.DONE, job.line
        assert is_loaded(first)()
        second.put_tag("production", alice)
        wait_for(is_loaded(second))
