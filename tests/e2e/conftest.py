"""A real browser against a real server. Another process records what arrives: the live path is the real one."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests import browser
from tests.e2e import looks
from tests.e2e.watching import new_page
from tests.migrated import copy_sqlite
from tests.rasa import Message

ROOT = Path(__file__).parent.parent.parent
MISSING = "/conversations/999999/"  # asked for on purpose
RECORD = """
import json, sys
import django
django.setup()
from events.brokers.base import Message
from events.models import Conversation
Conversation.objects.record([Message(line.encode(), "production") for line in json.load(sys.stdin)])
"""
expect.set_options(timeout=20_000)  # a bound, for a machine that does much else; so are the others
MAKE_PEOPLE = """
import django
django.setup()
from django.contrib.auth.models import Group
from rasax.accounts.models import User
for name, role in (("bob", "annotator"), ("alice", "admin")):
    person = User.objects.create_user(name, password=f"{name}-secret-words", is_staff=name == "alice")
    person.groups.add(Group.objects.get(name=role))
"""


class Site:
    """A server of its own on a database that knows Bob and Alice alone; `more` is its environment beside that."""

    more: dict[str, str] = {}

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        database = folder / "site.sqlite3"
        self.env = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "RASAX_RUN_DIR": str(folder)}
        self.env |= {"RASAX_URL": self.url, **self.more}
        copy_sqlite(database, "with_people", lambda url: self.run("-c", MAKE_PEOPLE, DATABASE_URL=url))
        self.log = (folder / "server.log").open("w")
        command = [sys.executable, "-m", "uvicorn", "rasax.asgi:application", "--port", str(port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log)
        self._wait()

    def run(self, *arguments: str, stdin: str = "", **more: str) -> None:
        command = [sys.executable, "-W", "ignore", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.env | more,
            input=stdin,
            text=True,
            check=False,
            timeout=180,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr

    def record(self, *messages: Message) -> None:
        self.run("-c", RECORD, stdin=json.dumps([message.body.decode() for message in messages]))

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/", timeout=1)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.stop()


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[[], Browser]]:
    with sync_playwright() as playwright:
        yield lambda: browser.launch(playwright)


@pytest.fixture(scope="session")
def chromium(launch: Callable[[], Browser]) -> Iterator[Browser]:
    chromium = launch()
    yield chromium
    chromium.close()


@pytest.fixture
def context(chromium: Browser, site: Site) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 720}, color_scheme="light")
    yield context
    context.close()


@pytest.fixture
def refusing() -> set[str]:
    """How addresses end that a test has answer with an error on purpose."""
    return {MISSING}


@pytest.fixture
def page(context: BrowserContext, refusing: set[str]) -> Iterator[Page]:
    """A page that must cause no error, no warning and no violation of the content security policy."""
    page = new_page(context)
    complaints: list[str] = []

    def hear(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"} and not line.location["url"].endswith(tuple(refusing)):
            complaints.append(line.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def axe(page: Page) -> Callable[[], list[str]]:
    """What axe-core finds on the page as it is."""
    return lambda: looks.axe(page)


def listens(page: Page, where: Locator) -> None:
    """Waits for the page that a click or a key has led to, known by what only it has, until its scripts are there.
    Keys that come before are heard later, by early.js; a click that only a script understands would be lost."""
    expect(where).to_be_attached()
    page.wait_for_load_state("domcontentloaded")  # which is after every module


def arrive(page: Page, heading: str) -> None:
    listens(page, page.get_by_role("heading", name=heading, exact=True))


def live(page: Page) -> None:
    """Waits until the page that is there hears of what changes."""
    listens(page, page.locator("[data-live].on"))


def sign_in(page: Page, by: str = "bob") -> None:
    page.goto("/")
    page.get_by_label("Username").fill(by)
    page.get_by_label("Password").fill(f"{by}-secret-words")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/")
