"""NLU data over HTTP, with Rasa X's paths and shapes."""

import pytest

from rasax.training.models import Change, Example, Project
from tests.rasax.api.conftest import Api
from tests.rasax.training.conftest import FILES

pytestmark = pytest.mark.django_db
DATA = "projects/default/data"
ANN = {"text": "hi 👋🏽 Ann", "intent": "greet", "entities": [{"start": 6, "end": 9, "entity": "person", "role": "x"}]}


@pytest.fixture
def api(alice, settings, project):
    settings.API_REQUESTS_PER_MINUTE = {"person": 10**6, "anonymous": 10**6, "auth": 10**6}
    return Api(alice)


def put_yaml(api, text, kind="application/yaml", **query):
    return api.generic("PUT", f"/api/{DATA}.yml", text, content_type=kind, query_params=query)


@pytest.mark.parametrize("path", [DATA, "projects/default/training_examples"])
def test_an_example_is_added_once_changed_and_removed(api, path):
    first = api.send("POST", path, ANN)
    assert first.status_code == 201
    assert first.json()["entities"] == [{**ANN["entities"][0], "value": "Ann"}]
    assert '- hi 👋🏽 [Ann]{"entity": "person", "role": "x"}\n' in Project.objects.default().files()["data/nlu.yml"]
    again = api.send("POST", path, ANN | {"text": "hi  👋🏽 Ann"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    address = f"{DATA}/{first.json()['id']}"
    moved = api.send("PUT", address, {"text": "see you later", "intent": "bye"}).json()
    assert (moved["intent"], moved["text"], moved["entities"]) == ("bye", "see you later", [])
    assert api.send("DELETE", f"{DATA}/{moved['id']}").status_code == 204
    assert api.ask(f"{DATA}/{moved['id']}").status_code == 404
    assert Change.objects.first().by.username == "alice"


def test_examples_are_searched_and_paged(api):
    api.send("PUT", DATA, [{"text": f"number {n}", "intent": "count"} for n in range(30)])
    page = api.ask(DATA, intent="count", limit=20)
    assert page["X-Total-Count"] == "30"
    further = api.ask(DATA, intent="count", limit=20, cursor=page["X-Next-Cursor"])
    assert len({each["id"] for each in page.json() + further.json()}) == 30
    assert [each["text"] for each in api.ask(DATA, q="NUMBER 7").json()] == ["number 7"]
    assert api.ask(DATA, limit=5, offset=28, intent="count").json()[1]["text"] == "number 0"


def test_many_are_added_at_once_or_none(api):
    sent = [ANN, {"text": "hi", "intent": "greet"}, {"text": "new", "intent": "ask"}]
    assert api.send("PUT", DATA, sent).json() == {"added": 2}
    before = Project.objects.default().files()
    answer = api.send("PUT", DATA, [{"text": "x", "intent": "greet"}, {"text": "y", "intent": "a\u2028b"}])
    assert answer.status_code == 422
    assert Project.objects.default().files() == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "x", "intent": "greet", "more": 1}, 400),
        ({"text": " ", "intent": "greet"}, 400),
        ({"text": "x"}, 400),
        ({"text": "x", "intent": "greet", "entities": [{"start": 0, "end": 1, "entity": "a", "x": 1}]}, 400),
        ({"text": "x", "intent": "greet", "entities": [{"start": 0, "end": 5, "entity": "a"}]}, 422),
        ({"text": "[x](y)", "intent": "greet"}, 422),
        ({"text": "x\ud800", "intent": "greet"}, 400),
        ({"text": "x", "intent": "a\u2028b"}, 422),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_changes(api, body, code):
    answer = api.send("POST", DATA, body)
    assert answer.status_code == code, answer.content
    assert Project.objects.default().files() == FILES


def test_yaml_goes_in_and_out(api):
    downloaded = api.ask("projects/default/data.yml")
    assert downloaded["Content-Type"].startswith("application/yaml")
    assert put_yaml(api, downloaded.content.decode(), filename="data/copy.yml").json() == {"added": 6}
    assert Example.objects.count() == 12
    for kind in ("text/yaml", "application/x-yaml"):
        assert put_yaml(api, "nlu:\n- intent: a\n  examples: |\n    - b\n", kind, filename="x.yml").status_code == 200
    refused = put_yaml(api, "nlu:\n- intent: [\n", filename="data/copy.yml")
    assert refused.status_code == 422
    assert "data/copy.yml:" in refused.json()["message"]
    assert put_yaml(api, "nlu: []", filename="../x.yml").status_code == 422
    assert put_yaml(api, b"\xff").status_code == 400
    assert put_yaml(api, "{}", "application/json").status_code == 415


def test_names_are_given(api):
    assert {"intent": "greet", "n_examples": 2, "is_declared": True, "n_uses": 3} in [
        each | {"n_uses": 3} for each in api.ask("projects/default/intents").json()
    ]
    assert api.ask("projects/default/entities").json() == [{"entity": "person"}]
    assert {"name": "utter_greet"} in api.ask("projects/default/actions").json()


def test_there_is_one_project(api):
    for path in ("data", "data.yml", "data/1", "intents", "entities", "actions"):
        assert api.ask(f"projects/other/{path}").status_code == 404


def test_who_may_not_see_the_data_gets_none(api, bob, carol):
    assert Api(bob).ask(DATA).status_code == 200
    assert Api(carol).ask(DATA).status_code == 403
    assert Api(carol).send("POST", DATA, ANN).status_code == 403


def test_a_page_takes_a_few_queries(api, django_assert_max_num_queries):
    api.send("PUT", DATA, [{"text": f"number {n}", "intent": f"count{n % 9}"} for n in range(90)])
    for path in (DATA, "projects/default/intents", "projects/default/actions"):
        with django_assert_max_num_queries(10):
            assert api.ask(path, **({"limit": 90} if path == DATA else {})).status_code == 200
