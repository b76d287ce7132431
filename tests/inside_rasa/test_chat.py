"""A chat typed in a real browser with a real Rasa server, whose answers arrive through RabbitMQ."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import launch
from tests.e2e.conftest import ROOT, Site
from tests.e2e.test_chat import GUEST, SHARE, begin, say
from tests.inside_rasa.server import rasa_server, train
from tests.servers.process import HOST
from tests.servers.rabbitmq import RabbitMQServer

pytestmark = pytest.mark.rasa
QUEUE = "chat_events"


class OnRabbitMQ(Site):
    def __init__(self, folder: Path, broker: str) -> None:
        self.more = {"EVENT_BROKER_URL": broker, "ALLOW_PRIVATE_ADDRESSES": "1"}
        super().__init__(folder)
        self.service = subprocess.Popen(
            [sys.executable, "manage.py", "consume_events"], cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log
        )

    def stop(self) -> None:
        self.service.terminate()
        self.service.wait(10)
        super().stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQServer) -> Iterator[Site]:
    """rasax, and a Rasa server that trusts the keys which it publishes."""
    folder = tmp_path_factory.mktemp("chat")
    site = OnRabbitMQ(folder, f"{rabbitmq.url}?queue={QUEUE}")
    credentials = json.dumps({"rasa": {"url": f"{site.url}/api"}})
    login = {"url": HOST, "port": rabbitmq.port, "username": "guest", "password": "guest"}
    event_broker = {"type": "pika", "queues": [QUEUE], **login}
    store = {"type": "sql", "dialect": "sqlite", "db": str(folder / "rasa.db")}
    with rasa_server(train(folder), folder / "rasa", store, credentials, event_broker=event_broker) as url:
        site.run("-c", SHARE.format(url=url))
        yield site
    site.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def test_a_chat_is_held_corrected_and_saved(page: Page) -> None:
    begin(page)
    say(page, "hello")
    answer = page.locator(".said.bot").filter(has_text="Hello! 漢字 😀")
    expect(answer).to_be_visible(timeout=20_000)
    answer.get_by_role("button", name="Reserve").click()
    expect(page.locator(".said.bot").filter(has_text="Where?")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("b")  # the form is taken back
    expect(page.locator(".taken-back")).to_have_count(2, timeout=20_000)
    say(page, "see you")
    page.keyboard.press("Escape")
    expect(page.locator(".said.user").filter(has_text="see you")).to_be_visible(timeout=20_000)
    page.keyboard.press("i")
    page.get_by_label("Intent", exact=True).fill("bye")
    page.keyboard.press("Enter")
    expect(page.locator("#learn")).to_contain_text("utter_bye", timeout=20_000)
    page.get_by_role("button", name="utter_bye").click()
    expect(page.locator(".said.bot").filter(has_text="Bye")).to_be_visible(timeout=20_000)
    page.locator("summary", has_text="Save as story or test").click()
    page.get_by_label("Name of the story").fill("hello and bye")
    page.get_by_role("button", name="Save as test").click()
    expect(page.locator("pre")).to_contain_text("intent: bye")
    expect(page.locator("pre")).not_to_contain_text("reserve_form")


def test_a_guest_talks_to_it(page: Page) -> None:
    page.goto(GUEST)
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("Message").fill("hello")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hello! 漢字 😀")).to_be_visible(timeout=20_000)
