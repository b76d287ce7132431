"""A conversation becomes a story in somebody's git repository: a real browser, a real worker, and git's own server."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site, sign_in
from tests.rasa import message, replied, said
from tests.rasax.training.git import FILES, OTHERS
from tests.servers.git import PASSWORD, HttpGitServer, Repository

pytestmark = pytest.mark.e2e


class NearGit(Site):
    more = {"ALLOW_PRIVATE_ADDRESSES": "1"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a worker."""
    site = NearGit(tmp_path)
    environment = {**site.env, "EVENT_BROKER_URL": f"file://{tmp_path / 'rasa_event.log'}"}
    command = [sys.executable, "-m", "celery", "-A", "rasax", "worker", "--without-gossip", "--loglevel", "ERROR"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=site.log, stderr=site.log)
    yield site
    worker.terminate()
    worker.wait(60)
    site.stop()


@pytest.fixture
def bare(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.write({**FILES, **OTHERS}, "Begin")
    return repository


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[HttpGitServer]:
    with HttpGitServer(tmp_path) as server:
        yield server


def test_a_conversation_is_pushed_as_a_story_and_a_conflict_is_solved(
    site: Site, page: Page, bare: Repository, git_server: HttpGitServer, axe: Callable[[], list[str]]
) -> None:
    site.record(
        said("hi", intent="greet"), message(event="action", name="utter_greet", timestamp=1.5), replied("Welcome!")
    )
    sign_in(page, "alice")
    connect(page, git_server.url(bare))
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Nothing is pending.")).to_be_visible()

    page.goto("/conversations/")
    page.locator(".row-link").click()
    page.get_by_role("link", name="Slots, story and event at this point").last.click()
    page.get_by_role("link", name="Put into the training data…").first.click()
    page.get_by_label("Name").fill("ann is welcomed")
    page.get_by_role("button", name="Put into the training data").click()
    expect(page.get_by_text("It is in the training data now, as “ann is welcomed”.")).to_be_visible()

    page.goto("/data/git/")
    expect(page.get_by_role("heading", name="Push")).to_be_visible()
    assert axe() == []
    push(page, "Welcome as Ann was")
    expect(page.get_by_text("Pushed to main as")).to_be_visible()
    assert bare.log() == ["Welcome as Ann was", "Begin"]
    [stories] = set(bare.paths()) - {*FILES, *OTHERS}
    assert "- story: ann is welcomed\n" in bare.read(stories)
    assert "- action: utter_greet" in bare.read(stories)
    assert bare.read("README.md") == OTHERS["README.md"].strip()

    bare.follow()
    bare.write({"domain.yml": "intents:\n- hello\n- bye\n"}, "Say hello")
    site.run("-c", CHANGE)
    page.get_by_role("button", name="Pull").click()
    page.get_by_role("link", name="domain.yml").click()
    assert axe() == []
    page.get_by_label("Text of the file").fill("intents:\n- greet\n- hello\n- bye\n")
    page.get_by_role("button", name="Take this text").click()
    expect(page.get_by_text("The conflict is solved.")).to_be_visible()
    push(page, "Greet and hello")
    expect(page.get_by_role("region", name="Latest").get_by_text("Pushed to main as")).to_have_count(2)
    assert bare.read("domain.yml") == "intents:\n- greet\n- hello\n- bye"
    assert bare.log()[:2] == ["Greet and hello", "Say hello"]


CHANGE = """
import django
django.setup()
from rasax.training.models import Project
Project.objects.default().take({"domain.yml": "intents:\\n- welcome\\n- bye\\n"}, None)
"""


def connect(page: Page, url: str) -> None:
    page.goto("/data/git/")
    page.get_by_label("Address").fill(url)
    page.get_by_label("Branch").fill("main")
    page.get_by_label("Private key or token").fill(PASSWORD)
    page.get_by_role("button", name="Connect").click()


def push(page: Page, words: str) -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Push").click()
