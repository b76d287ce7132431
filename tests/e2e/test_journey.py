"""In one go: a model is trained, tagged, loaded and talked to; what it got wrong is corrected and kept as a test."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site, listens, live, sign_in
from tests.e2e.test_chat import Talking, say
from tests.e2e.test_training import ADD_WORKER
from tests.rasax.deployment.conftest import PROJECT, zipped
from tests.servers.rasa import RasaStandIn

pytestmark = pytest.mark.e2e


class Whole(Talking):
    """Beside it a worker of rasax, and a Rasa server that trains."""

    more = {"SERVICE_TOKEN": "a-token-that-only-rasa-servers-know"}

    def __init__(self, folder: Path, rasa: RasaStandIn, trainer: RasaStandIn) -> None:
        super().__init__(folder, rasa)
        self.run("-c", ADD_WORKER, stdin=trainer.url)
        command = [sys.executable, "-m", "celery", "-A", "rasax", "worker", "--without-gossip", "--loglevel", "ERROR"]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log)

    def stop(self) -> None:
        self.worker.terminate()
        self.worker.wait(60)
        super().stop()


@pytest.fixture
def rasa() -> Iterator[RasaStandIn]:
    with RasaStandIn() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, rasa: RasaStandIn) -> Iterator[Site]:
    with RasaStandIn(token="tok3n") as trainer:
        site = Whole(tmp_path, rasa, trainer)
        yield site
        site.stop()


def test_train_tag_load_chat_correct_and_save_as_a_test(page: Page, rasa: RasaStandIn, tmp_path: Path) -> None:
    sign_in(page, "alice")
    model = train(page, tmp_path)

    page.goto("/models/")
    page.get_by_role("link", name=model, exact=True).click()
    page.get_by_role("button", name="Activate it for production").click()
    expect(page.get_by_role("row").filter(has_text="production")).to_contain_text("gets it when it next asks")
    page.goto("/settings/environments/")
    page.get_by_role("link", name="production").click()
    page.get_by_role("button", name="Load now").click()
    expect(page.get_by_text(f"production has loaded the model {model}.")).to_be_visible(timeout=30_000)
    assert rasa.model == f"{model}.tar.gz"

    page.get_by_role("link", name="Chat", exact=True).click()
    page.get_by_label("Rasa server").select_option(label="production · Production · 3.6.21")
    page.get_by_role("button", name="New conversation").click()
    live(page)
    correct(page)

    page.locator("summary", has_text="Save as story or test").click()
    page.get_by_label("Name of the story").fill("leaving")
    page.get_by_role("button", name="Save as test").click()
    expect(page.get_by_role("heading", name="leaving")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("intent: goodbye")


def train(page: Page, folder: Path) -> str:
    """The name of the model that came back."""
    page.get_by_role("link", name="Training", exact=True).click()
    bot = folder / "bot.zip"
    bot.write_bytes(zipped(PROJECT).read())
    page.get_by_label("A Rasa project as zip or tar.gz").set_input_files(bot)
    page.get_by_role("button", name="Upload").click()
    listens(page, page.get_by_text("Read 6 YAML files of bot.zip."))
    page.get_by_role("button", name="Train", exact=True).click()
    trained = page.get_by_text(re.compile(r"Trained the model \d{8}-"))
    expect(trained).to_be_visible(timeout=60_000)
    found = re.search(r"\d{8}-[\w-]+", trained.inner_text())
    assert found
    return found[0]


def correct(page: Page) -> None:
    say(page, "see you in Rome")
    expect(page.locator(".said.user").filter(has_text="out_of_scope")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.get_by_label("Intent", exact=True).fill("goodbye")
    page.keyboard.press("Enter")
    expect(page.locator("#learn")).to_contain_text("utter_goodbye")
    page.keyboard.press("1")
    expect(page.locator(".said.bot").filter(has_text="goodbye")).to_be_visible()
    page.get_by_role("button", name="action_listen").first.click()
    expect(page.locator(".listens")).to_be_visible()
