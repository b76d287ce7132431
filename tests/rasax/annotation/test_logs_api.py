"""The inbox over HTTP, as Rasa X's scripts know it."""

import pytest

from rasax.annotation.models import InboxMessage
from rasax.deployment.models import RasaServer
from rasax.training.models import Example
from tests.rasa import said
from tests.rasax.annotation.conftest import inbox, keep
from tests.rasax.api.conftest import Api, unhurried  # noqa: F401 - a fixture
from tests.servers.rasa import HTTP

pytestmark = pytest.mark.django_db
LOGS = "projects/default/logs"


@pytest.fixture
def api(bob):
    return Api(bob)


def said_in(answer):
    return [log["user_input"]["text"] for log in answer.json()]


def test_the_logs_are_what_waits_in_pages(api, texts):
    answer = api.ask(LOGS)
    assert said_in(answer) == ["where is it", "I want a pizza", "hello there"]
    assert answer["X-Total-Count"] == "3"
    log = answer.json()[0]
    assert log["count"] == 2
    assert log["user_input"]["intent"] == {"name": "greet", "confidence": 0.2}
    assert (log["time"], log["conversation_id"], log["in_training_data"]) == (20.0, "ben", False)
    page = api.ask(LOGS, limit=2)
    assert said_in(api.ask(LOGS, limit=2, cursor=page["X-Next-Cursor"])) == ["hello there"]
    assert said_in(api.ask(LOGS, limit=1, offset=1)) == ["I want a pizza"]
    assert said_in(api.ask(LOGS, intent="order")) == said_in(api.ask(LOGS, q="pizza")) == ["I want a pizza"]
    assert api.ask("projects/other/logs").status_code == 404
    assert api.ask(LOGS, colour="red").status_code == 400


def test_a_log_is_found_by_its_id_and_its_hash(api, texts):
    log = api.ask(LOGS).json()[0]
    assert api.ask(f"{LOGS}/{log['id']}").json() == api.ask(f"{LOGS}/{log['hash']}").json() == log
    for unknown in ("0", "f" * 16, "9" * 15, "9" * 40, "x", "-1"):
        assert api.ask(f"{LOGS}/{unknown}").status_code == 404


def test_an_environment_says_what_an_added_text_means(api, rasa, alice, texts):
    made = api.send("POST", LOGS, {"text": "nobody is asked"}).json()
    assert (made["parsed_by"], made["user_input"]["intent"]["name"]) == (None, "")
    assert "No environment is connected" in made["problem"]
    RasaServer.objects.add(alice, name="production", url=rasa.url, use="production")
    assert "token" in api.send("POST", LOGS, {"text": "without a token"}).json()["problem"]
    RasaServer.objects.all().delete()
    RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")
    recorded = HTTP["parse"]["body"]
    made = api.send("POST", LOGS, {"text": recorded["text"]}).json()
    assert (made["parsed_by"], made["problem"], made["count"]) == ("production", "", 0)
    assert made["user_input"]["intent"]["name"] == recorded["intent"]["name"]
    assert made["user_input"]["intent"]["confidence"] == recorded["intent"]["confidence"]
    assert [each["name"] for each in made["user_input"]["intent_ranking"]] == [
        each["name"] for each in recorded["intent_ranking"]
    ]
    assert [each["entity"] for each in made["user_input"]["entities"]] == [
        each["entity"] for each in recorded["entities"]
    ]
    assert api.ask(f"{LOGS}/{made['id']}").json().items() <= made.items()
    assert api.send("POST", LOGS, {"text": "hello there"}).json()["parsed_by"] is None


def test_a_text_is_added_annotated_and_deleted(api, texts):
    made = api.send("POST", LOGS, {"text": "take me to Rome"})
    assert (made.status_code, made.json()["count"]) == (201, 0)
    assert api.send("POST", LOGS, {"text": "take me  to Rome"}).json()["id"] == made.json()["id"]
    assert api.send("POST", LOGS, {"text": "/greet"}).status_code == 422
    place = f"{LOGS}/{made.json()['hash']}"
    city = {"start": 11, "end": 15, "entity": "city"}
    assert api.send("PUT", place, {"intent": "fly", "entities": [{**city, "end": 99}]}).status_code == 422
    answer = api.send("PUT", place, {"intent": "fly", "entities": [city]}).json()
    assert (answer["state"], answer["in_training_data"]) == ("annotated", True)
    assert Example.objects.get().source == "take me to [Rome](city)"
    assert api.send("PUT", place, {"intent": "fly", "entities": [city]}).status_code == 200
    assert api.send("PUT", place, {"intent": "ride"}).status_code == 409
    other = f"{LOGS}/{texts['hello there'].pk}"
    assert api.send("DELETE", other).status_code == 204
    assert api.send("DELETE", other).status_code == 404
    keep(said("hello there", timestamp=900.0))
    assert set(inbox()) == {"where is it", "I want a pizza"}
    assert InboxMessage.objects.get(pk=texts["hello there"].pk).n == 2
