"""Version control on pages: who may connect, pull, push and solve, and what they see."""

import pytest
from django.urls import reverse

from rasax.accounts.models import AuditEntry, Job
from rasax.training import sync_jobs, syncing
from rasax.training.edits import Put
from rasax.training.models import Block, GitRepository, Project
from tests.rasax.training.conftest import text_of
from tests.rasax.training.git import FILES, NLU
from tests.servers.git import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PAGE = "/data/git/"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Jobs run in the request; a worker's are tested with jobs."""
    monkeypatch.setattr("rasax.accounts.jobs.send", Job.objects.run)


def post(client, name, *args, **fields):
    return client.post(reverse(name, args=args), fields, follow=True)


@pytest.mark.django_db(transaction=True)
def test_a_repository_is_connected_looked_at_merged_edited_and_pushed(client, alice, git_http, bare, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    client.force_login(alice)
    assert "Connecting changes nothing" in text_of(client.get(PAGE))
    page = text_of(post(client, "data_git_connect", url=git_http.url(bare), branch="main", folder="", secret=PASSWORD))
    assert "Before the first merge" in page
    assert "+- intent: greet" in page
    assert PASSWORD not in page
    assert Project.objects.default().files() == {}

    page = text_of(post(client, "data_git_pull"))
    assert "2 files came from git." in page
    assert Project.objects.default().files() == FILES
    block = Block.objects.get(kind="intent", name="greet")
    Project.objects.default().write([Put(block, block.text.replace("- hi\n", "- hey\n"))], alice, "changed")
    assert "Discard in data/nlu.yml" in text_of(client.get(PAGE))

    page = text_of(post(client, "data_git_push", message="Say hey", branch=""))
    assert "Pushed to main as" in page
    assert bare.log()[0] == "Say hey"
    assert "Nothing is pending." in page
    assert {"connected a git repository", "pulled from git", "pushed to git"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_a_conflict_is_solved_on_its_page(client, alice, over_http, bare):
    client.force_login(alice)
    syncing.pull(over_http, alice)
    block = Block.objects.get(kind="intent", name="greet")
    Project.objects.default().write([Put(block, block.text.replace("- hi\n", "- ours\n"))], alice, "changed")
    bare.write({"data/nlu.yml": NLU.replace("- hi\n", "- <b>theirs</b>\n")})
    assert "1 conflict is to be solved." in text_of(post(client, "data_git_pull"))
    row = over_http.conflicts().get()
    response = client.get(reverse("data_git_conflict", args=[row.pk]))
    assert "&lt;b&gt;theirs&lt;/b&gt;" in response.content.decode()
    stamp = response.context["stamp"]
    assert "data/nlu.yml:" in text_of(
        post(client, "data_git_conflict", row.pk, text="nlu:\n- intent: [\n", stamp=stamp)
    )
    assert "Somebody else changed" in text_of(post(client, "data_git_conflict", row.pk, take="theirs", stamp="old"))
    assert "The conflict is solved." in text_of(post(client, "data_git_conflict", row.pk, take="theirs", stamp=stamp))
    assert "- <b>theirs</b>" in Project.objects.default().files()["data/nlu.yml"]


def test_a_key_is_made_and_only_its_public_half_is_shown(client, alice):
    client.force_login(alice)
    page = text_of(post(client, "data_git_connect", url="git@git.example.com:team/bot.git", branch="main"))
    assert "ssh-ed25519 " in page
    assert "PRIVATE KEY" not in page
    assert "PRIVATE KEY" not in GitRepository.objects.get().secret
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("url", "more"),
    {
        "a file": ("file:///etc", {}),
        "an option": ("--upload-pack=touch", {}),
        "a password": ("https://bob:secret@git.example.com/x.git", {}),
        "no TLS": ("http://git.example.com/x.git", {}),
        "a branch that is none": ("https://git.example.com/x.git", {"branch": "a..b"}),
        "a folder outside": ("https://git.example.com/x.git", {"folder": "../x"}),
        "no key": ("git@git.example.com:x.git", {"secret": "-----BEGIN NOTHING-----"}),
    }.values(),
)
def test_what_cannot_be_connected_is_said_beside_its_field(url, more, client, alice):
    client.force_login(alice)
    page = post(client, "data_git_connect", url=url, **{"branch": "main", **more})
    assert 'class="text-danger' in page.content.decode()
    assert not GitRepository.objects.exists()


def test_who_may_what(client, bob, carol, over_http):
    client.force_login(carol)
    assert client.get(PAGE).status_code == 403
    client.force_login(bob)
    assert client.get(PAGE).status_code == 200
    for name in ("data_git_connect", "data_git_disconnect", "data_git_schedule", "data_git_host_key"):
        assert client.post(reverse(name)).status_code == 403
    assert GitRepository.objects.exists()


def test_a_repository_is_disconnected_and_the_data_stay(client, alice, over_http):
    syncing.pull(over_http, alice)
    client.force_login(alice)
    assert "Nothing was changed on either side." in text_of(post(client, "data_git_disconnect"))
    assert Project.objects.default().files() == FILES


def test_a_pull_by_the_clock_comes_when_it_is_due(client, alice, over_http, bare):
    syncing.pull(over_http, alice)
    over_http.schedule(5, alice)
    bare.write({"new.yml": "nlu: []\n"})
    sync_jobs.pull_by_the_clock()
    assert not Job.objects.exists()
    assert pulled_by_the_clock() == "done"
    assert "new.yml" in Project.objects.default().files()
    assert GitRepository.objects.get().pull_after.year > 2020
    client.force_login(alice)
    shown = text_of(client.get(PAGE))
    assert "the schedule" in shown
    assert "1 file came from git." in shown


def pulled_by_the_clock():
    """What became of it."""
    GitRepository.objects.update(pull_after="2020-01-01T00:00Z")
    sync_jobs.pull_by_the_clock()
    sync_jobs.pull_by_the_clock()
    asked = Job.objects.get(state="queued")
    Job.objects.run(asked.pk)
    return getattr(Job.objects.filter(pk=asked.pk).first(), "state", None)


def test_pulls_by_the_clock_that_bring_nothing_new_leave_no_rows(alice, over_http, bare):
    syncing.pull(over_http, alice)
    over_http.schedule(5, alice)
    assert pulled_by_the_clock() is None
    assert not Job.objects.exists()
    bare.write({"domain.yml": "intents:\n- theirs\n"})
    Project.objects.default().take({"domain.yml": "intents:\n- ours\n"}, alice)
    assert [pulled_by_the_clock(), pulled_by_the_clock()] == ["done", "done"]
    assert [job.result["conflicts"] for job in Job.objects.all()] == [1]
    GitRepository.objects.update(branch="elsewhere")
    assert [pulled_by_the_clock(), pulled_by_the_clock()] == ["failed", "failed"]
    assert list(Job.objects.order_by("queued_at").values_list("state", flat=True)) == ["done", "failed"]
