"""Environments and models over HTTP, with Rasa X's paths and shapes."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from ruamel.yaml import YAML

from rasax.accounts.models import AuditEntry
from rasax.deployment.models import Model, RasaServer
from rasax.deployment.polling import poll_servers
from tests.rasax.api.conftest import Api
from tests.rasax.deployment.test_registry import keep
from tests.servers.rasa_models import archive

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MODELS = "projects/default/models"


@pytest.fixture
def api(alice, settings):
    settings.API_REQUESTS_PER_MINUTE = {"person": 10**6, "anonymous": 10**6, "auth": 10**6}
    return Api(alice)


def polled():
    RasaServer.objects.update(look_after=timezone.now())
    poll_servers()


def put(api, *environments):
    return api.send("PUT", "environments", list(environments))


def test_environments_are_said_all_at_once_and_tokens_never_come_back(api, rasa):
    wanted = {"name": "production", "url": rasa.url + "/", "token": "tok3n"}
    answer = put(api, wanted, {"name": "worker", "url": "http://worker.example.com", "token": ""})
    assert answer.status_code == 201
    assert "tok3n" not in answer.content.decode()
    found = {each["name"]: each for each in api.ask("environments").json()}
    assert (found["production"]["use"], found["production"]["url"]) == ("production", rasa.url)
    assert (found["production"]["has_token"], found["worker"]["has_token"]) == (True, False)
    assert "token" not in found["production"]
    polled()
    assert api.ask("environments").json()[0]["is_up"]


def test_a_put_changes_adds_removes_and_keeps_tokens(api, rasa, production):
    other = {"name": "staging", "url": "http://staging.example.com", "use": "development", "tag": "staging"}
    assert put(api, {"name": "production", "url": rasa.url}, other).status_code == 201
    assert RasaServer.objects.get(name="production").has_token
    assert not AuditEntry.objects.filter(action="changed").exists()
    assert RasaServer.objects.get(name="staging").tag == "staging"
    assert put(api, {"name": "production", "url": "http://elsewhere.example.com"}).status_code == 201
    [left] = RasaServer.objects.all()
    assert (left.url, left.has_token) == ("http://elsewhere.example.com", False)
    assert AuditEntry.objects.filter(action="deleted", object_name="staging").exists()


WRONG = {
    "no url": {"name": "a"},
    "no address": {"name": "a", "url": "rasa:5005"},
    "a password in it": {"name": "a", "url": "http://u:p@rasa"},
    "a file": {"name": "a", "url": "file:///etc/passwd"},
    "an unknown field": {"name": "a", "url": "http://rasa", "secret": "x"},
    "a name with a slash": {"name": "a/b", "url": "http://rasa"},
    "an unknown use": {"name": "a", "url": "http://rasa", "use": "war"},
    "a token with a space": {"name": "a", "url": "http://rasa", "token": "a b"},
    "a number as a token": {"name": "a", "url": "http://rasa", "token": 7},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_one_wrong_environment_changes_nothing(api, production, wrong):
    assert put(api, {"name": "new", "url": "http://new.example.com"}, wrong).status_code == 400
    assert [server.name for server in RasaServer.objects.all()] == ["production"]


def test_a_name_twice_is_a_conflict(api):
    assert put(api, *[{"name": "a", "url": "http://rasa"}] * 2).status_code == 409


def test_versions_and_health_tell_of_production_and_worker(api, rasa, production, alice):
    ask = Client().get
    assert ask("/api/version").json()["rasa"] == {"production": None, "worker": None}
    polled()
    assert ask("/api/version").json()["rasa"] == {"production": "3.6.21", "worker": None}
    told = {"version": "3.6.21", "minimum_compatible_version": "3.6.21", "status": 200}
    health = ask("/api/health").json()
    assert (health["production"], health["worker"]) == (told, None)
    rasa.stop()
    polled()
    assert ask("/api/health").json()["production"] == told | {"status": 503}
    assert rasa.url not in json.dumps(health)


def test_the_configuration_connects_a_production_server(production, service, alice, bob):
    answer = Client().get("/api/config", {"token": service})
    endpoints = YAML(typ="safe").load(answer.json()["endpoints"])
    assert endpoints["models"]["url"] == "http://testserver/api/projects/default/models/tags/production"
    assert endpoints["models"]["token"] == service
    assert YAML(typ="safe").load(answer.json()["credentials"]) == {
        "rasa": {"url": "http://testserver/api"},
        "rest": None,
    }
    assert Client().get("/api/config", {"token": "wrong"}).status_code == 401
    assert Api(bob).ask("config").status_code == 403
    assert Api(alice).ask("config").status_code == 200


def upload(api, content, name="first.tar.gz", field="model"):
    return api.post(f"/api/{MODELS}", {field: SimpleUploadedFile(name, content)})


def test_a_model_is_uploaded_listed_downloaded_and_deleted(api, django_capture_on_commit_callbacks):
    content = archive(trained_at="2026-11-22T01:58:05")
    made = upload(api, content)
    assert made.status_code == 201
    [item] = api.ask(MODELS).json()
    assert item == made.json() == {
        "model": "first", "hash": Model.objects.get().digest, "trained_at": 1795312685.0, "version": "3.6.21",
        "tags": [], "is_compatible": True, "size": len(content),
    }  # fmt: skip
    for name in ("first", "first.tar.gz"):
        answer = api.ask(f"{MODELS}/{name}")
        assert b"".join(answer.streaming_content) == content
    assert api.send("DELETE", f"{MODELS}/first").status_code == 204
    assert api.ask(f"{MODELS}/first").status_code == 404


def test_a_name_that_there_is_is_a_conflict(api):
    upload(api, archive())
    assert upload(api, archive()).status_code == 409


NO_MODEL = {
    "a text": (b"hello", "a.tar.gz", 422),
    "nothing": (b"", "a.tar.gz", 400),
    "a bad name": (archive(), "a b.tar.gz", 422),
}


@pytest.mark.parametrize(("content", "name", "status"), NO_MODEL.values(), ids=NO_MODEL.keys())
def test_what_is_no_model_is_of_no_use(api, content, name, status):
    answer = upload(api, content, name)
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert not Model.objects.exists()


def test_a_body_that_is_no_form_is_refused(api, settings):
    assert api.send("POST", MODELS, {"model": "x"}).status_code == 415
    assert upload(api, archive(), field="file").status_code == 400
    settings.MODEL_SIZE_LIMIT = 1000
    assert upload(api, archive(size=2**21)).status_code == 413


def test_tags_move_and_a_tagged_model_stays(api):
    upload(api, archive(), "first.tar.gz")
    upload(api, archive(), "second.tar.gz")
    assert api.send("PUT", f"{MODELS}/first/tags/production").status_code == 204
    assert api.send("PUT", f"{MODELS}/second.tar.gz/tags/production").status_code == 204
    assert {each["model"]: each["tags"] for each in api.ask(MODELS).json()} == {"first": [], "second": ["production"]}
    assert api.send("DELETE", f"{MODELS}/second").status_code == 409
    assert api.send("DELETE", f"{MODELS}/first/tags/production").status_code == 404
    assert api.send("DELETE", f"{MODELS}/second/tags/production").status_code == 204
    assert api.send("PUT", f"{MODELS}/first/tags/a%20b").status_code == 400
    assert api.send("PUT", f"{MODELS}/none/tags/production").status_code == 404


def test_a_model_that_production_cannot_load_is_not_compatible(api, production):
    keep("old", version="2.8.34")
    assert api.ask(MODELS).json()[0]["is_compatible"]
    polled()
    assert not api.ask(MODELS).json()[0]["is_compatible"]


def test_there_is_one_project(api):
    keep()
    for path in ("projects/other/models", "projects/other/models/first"):
        assert api.ask(path).status_code == 404


def test_models_come_page_by_page(api):
    for number in range(3):
        keep(f"m{number}")
    answer = api.ask(MODELS, limit=2)
    assert ([each["model"] for each in answer.json()], answer["X-Total-Count"]) == (["m2", "m1"], "3")
    assert [each["model"] for each in api.ask(MODELS, limit=2, offset=2).json()] == ["m0"]
