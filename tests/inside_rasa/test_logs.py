"""A real Rasa server says what a text means that is added to the inbox over the API."""

import pytest

from rasax.deployment.models import RasaServer
from tests.inside_rasa.server import call, rasa_server, train
from tests.rasax.api.conftest import Api

pytestmark = [pytest.mark.rasa, pytest.mark.django_db]


def test_a_text_that_is_added_is_understood_by_the_environment(tmp_path, alice, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    store = {"type": "sql", "dialect": "sqlite", "db": str(tmp_path / "rasa.db")}
    with rasa_server(train(tmp_path), tmp_path / "rasa", store) as url:
        RasaServer.objects.add(alice, name="production", url=url, use="production")
        for text in ("hello", "say bye 👋", "what?"):
            made = Api(alice).send("POST", "projects/default/logs", {"text": text}).json()
            intent = call(url, "/model/parse", {"text": text})["intent"]
            assert (made["parsed_by"], made["problem"], made["count"]) == ("production", "", 0)
            assert made["user_input"]["intent"]["name"] == (intent["name"] or "")
            assert made["user_input"]["intent"]["confidence"] == (intent["confidence"] if intent["name"] else None)
    made = Api(alice).send("POST", "projects/default/logs", {"text": "nobody answers"}).json()
    assert made["parsed_by"] is None
    assert made["problem"].startswith("production: ")
