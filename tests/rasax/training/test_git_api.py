import pytest

from rasax.accounts.models import Job
from rasax.training.models import GitRepository, Project
from tests.rasax.training.git import FILES
from tests.servers.git import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/projects/default/git_repositories"
JSON = "application/json"


@pytest.fixture
def at_once(monkeypatch):
    """Jobs run in the request."""
    monkeypatch.setattr("rasax.accounts.jobs.send", Job.objects.run)


@pytest.mark.usefixtures("at_once")
def test_a_script_connects_pulls_pushes_and_disconnects(client, alice, git_http, bare, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    client.force_login(alice)
    assert client.get(PATH).json() == []
    sent = {"repository_url": git_http.url(bare), "token": PASSWORD}
    made = client.post(PATH, sent, JSON)
    assert made.status_code == 201
    assert PASSWORD not in made.content.decode()
    assert client.post(PATH, sent, JSON).status_code == 409
    own = f"{PATH}/{made.json()['id']}"

    assert client.post(f"{own}/pull").status_code == 202
    assert Project.objects.default().files() == FILES
    Project.objects.default().take({"new.yml": "nlu: []\n"}, alice)
    assert client.get(f"{own}/status").json()["pending"] == ["new.yml"]
    assert client.post(f"{own}/push", {"message": "New"}, JSON).json()["kind"] == "training.git_push"
    assert bare.read("new.yml") == "nlu: []"
    assert client.get(f"{own}/status").json() | {"looked_at": None, "head": ""} == {
        "head": "",
        "is_merged": True,
        "looked_at": None,
        "failure": None,
        "pending": [],
        "incoming": [],
        "conflicts": [],
    }
    assert client.delete(own).status_code == 204
    assert client.get(own).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    {
        "unknown": ({"repository_url": "git@git.example.com:x.git", "what": 1}, 400),
        "address": ({"repository_url": "file:///etc"}, 422),
        "branch": ({"repository_url": "git@git.example.com:x.git", "target_branch": "a..b"}, 400),
        "key": ({"repository_url": "git@git.example.com:x.git", "ssh_key": "none"}, 422),
    }.values(),
)
def test_what_is_wrong_is_refused(wrong, status, client, alice):
    client.force_login(alice)
    assert client.post(PATH, wrong, JSON).status_code == status
    assert not GitRepository.objects.exists()


def test_who_may_what(client, bob, carol, over_http):
    client.force_login(carol)
    assert client.get(PATH).status_code == 403
    client.force_login(bob)
    assert client.get(PATH).status_code == 200
    assert client.post(PATH, {"repository_url": "git@git.example.com:x.git"}, JSON).status_code == 403
    assert client.delete(f"{PATH}/{over_http.pk}").status_code == 403
    assert client.get("/api/projects/other/git_repositories").status_code == 404
