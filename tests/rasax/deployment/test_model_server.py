"""The model server answers as Rasa asks: both generations, again and again."""

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from rasax.accounts.api.authentication import issue
from tests.rasax.deployment.test_registry import keep
from tests.servers.rasa_models import archive

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PATHS = ["/api/projects/default/models/tags/production", "/api/models/tags/production"]
PULLS = json.loads((Path(__file__).parents[2] / "payloads" / "rasa_model_pulls.json").read_text())


@pytest.fixture
def model(alice):
    model = keep("20261122-lab", content=archive(size=2**20))
    model.put_tag("production", alice)
    return model


def pull(path, token, etag="631aa3cbb7384ad7873b067c12967e18", version="3.10 aiohttp/3.9.5"):
    headers = {"If-None-Match": etag, "Accept": "*/*", "User-Agent": f"Python/{version}"}
    return Client(headers=headers).get(path, {"token": token} if token else {})


@pytest.mark.parametrize("path", PATHS)
def test_a_model_comes_with_its_etag_and_name(model, service, path):
    answer = pull(path, service)
    assert answer.status_code == 200
    assert answer.streaming
    assert b"".join(answer.streaming_content) == model.file.open().read()
    assert (answer["ETag"], answer["filename"]) == (f'"{model.digest}"', "20261122-lab.tar.gz")
    assert answer["Content-Length"] == str(model.size)


@pytest.mark.parametrize("recorded", PULLS, ids=lambda each: each["title"])
def test_recorded_pulls_are_answered(model, service, recorded):
    """What 3.6.21 and 2.8.34 send, a random text first, then the ETag as it came."""
    etag = recorded["If-None-Match"] if recorded["first"] else f'"{model.digest}"'
    answer = Client(headers={**recorded["headers"], "If-None-Match": etag}).get(PATHS[0], {"token": service})
    assert answer.status_code == (200 if recorded["first"] else 304)


def test_it_is_not_sent_again_while_it_is_the_same(model, service, alice):
    etag = pull(PATHS[0], service)["ETag"]
    for spelling in (etag, etag.strip('"'), f"W/{etag}", f'"other", {etag}'):
        answer = pull(PATHS[0], service, spelling)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    keep("second").put_tag("production", alice)
    assert pull(PATHS[0], service, etag)["filename"] == "second.tar.gz"


def test_without_a_model_it_is_404_as_rasa_wants(service):
    answer = pull(PATHS[0], service)
    assert (answer.status_code, answer.json()["reason"]) == (404, "Not found")
    assert pull("/api/projects/other/models/tags/production", service).status_code == 404


@pytest.mark.parametrize("token", ["", "wrong", "a-token-that-only-rasa-servers-know-"])
def test_a_wrong_token_gets_nothing(model, service, token):
    answer = pull(PATHS[0], token)
    assert answer.status_code == 401
    assert service not in answer.content.decode()


def test_without_a_service_token_no_token_is_right(model, settings):
    settings.SERVICE_TOKEN = ""
    assert pull(PATHS[0], "").status_code == 401


def test_people_pull_with_their_own_tokens(model, bob, carol, service):
    for person, status in ((bob, 200), (carol, 403)):
        browser = Client(headers={"Authorization": f"Bearer {issue(person)}"})
        assert browser.get(PATHS[0]).status_code == status


def test_rasa_servers_ask_as_often_as_they_like(model, service, settings):
    settings.API_REQUESTS_PER_MINUTE = {"person": 1, "anonymous": 1, "auth": 1}
    assert [pull(PATHS[0], service, f'"{model.digest}"').status_code for _ in range(5)] == [304] * 5
    assert [pull(PATHS[0], "wrong").status_code for _ in range(3)][-1] == 429


@pytest.mark.django_db(transaction=True)
def test_a_rasa_server_pulls_over_http(model, service, rasa, old_rasa, live_server):
    for each in (rasa, old_rasa):
        url = f"{live_server.url}{PATHS[0]}"
        assert each.pull(url, "wrong") == 401
        assert each.pull(url, service) == 200
        assert each.model == "20261122-lab.tar.gz"
        assert each.pull(url, service) == 304
        assert each.pull(url.replace("production", "staging"), service) == 404
    assert rasa.model_id == model.model_id


def test_the_token_is_in_no_error(model, service):
    wrong = Client().get(PATHS[0], {"token": service, "x": "1"})
    assert wrong.status_code == 400
    assert not re.search(service, wrong.content.decode())
