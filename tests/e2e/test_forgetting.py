"""Somebody asks to be forgotten, and stays so while the event broker delivers the old events again."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site, sign_in
from tests.rasa import Message, message, replied, said

pytestmark = pytest.mark.e2e

T = 1_750_000_000.0
OLD = [
    said("My card is 4111-1111", sender_id="zoe", timestamp=T, intent="pay"),
    message("zoe", "slot", T + 1, name="card", value="4111-1111"),
    replied("Thank you, Zoe.", sender_id="zoe", timestamp=T + 2),
]


class Rasa:
    """A Rasa server's event broker, a file, and the event service that reads it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.log = folder / "rasa_event.log"
        environment = {**site.env, "EVENT_BROKER_URL": f"file://{self.log}"}
        command = [sys.executable, "-W", "ignore", "manage.py", "consume_events"]
        self.service = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=site.log, stderr=site.log)

    def publish(self, *messages: Message) -> None:
        with self.log.open("ab") as log:
            log.writelines(message.body + b"\n" for message in messages)

    def stop(self) -> None:
        self.service.terminate()
        self.service.wait(60)


@pytest.fixture
def rasa(site: Site, tmp_path: Path) -> Iterator[Rasa]:
    rasa = Rasa(site, tmp_path)
    yield rasa
    rasa.stop()


def rows(page: Page):
    return page.locator(".row-of .title")


def test_a_person_is_deleted_for_good_and_what_they_say_later_begins_anew(site: Site, page: Page, rasa: Rasa) -> None:
    sign_in(page, "alice")
    rasa.publish(said("Where is my parcel?", sender_id="ben", timestamp=T - 9), *OLD)
    expect(rows(page)).to_have_text(["My card is 4111-1111", "Where is my parcel?"], timeout=20_000)
    page.get_by_role("link", name="My card is 4111-1111").click()
    expect(page.get_by_role("heading", name="zoe")).to_be_visible()
    old_address = page.url

    page.get_by_role("link", name="Delete for good…").click()
    expect(page.get_by_text("3 events, with all that was said")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile(r"/conversations/$"))
    expect(page.get_by_text("The conversation was deleted for good.")).to_be_visible()
    expect(rows(page)).to_have_text(["Where is my parcel?"])
    assert_gone(page, old_address)

    rasa.publish(*OLD, *OLD, said("Are you there?", sender_id="cleo", timestamp=T + 9))
    page.goto("/conversations/")
    expect(rows(page)).to_have_text(["Are you there?", "Where is my parcel?"])
    assert_gone(page, old_address)

    rasa.publish(said("Hello again", sender_id="zoe", timestamp=time.time()))
    page.goto("/conversations/")
    page.get_by_role("link", name="Hello again").click()
    expect(page.get_by_role("heading", name="zoe")).to_be_visible()
    assert page.url != old_address
    expect(page.locator(".said")).to_have_count(1)
    assert_gone(page, old_address)


def assert_gone(page: Page, address: str) -> None:
    """By its old address, in search and in the API."""
    assert page.request.get(address).status == 404
    for words in ("4111", "Thank you"):
        page.goto(f"/conversations/?q={words}")
        expect(page.get_by_text("No conversation matches these filters")).to_be_visible()
    listed = page.request.get("/api/conversations").json()
    assert T + 2 not in {item["latest_event_time"] for item in listed}
    assert "pay" not in page.request.get("/api/conversationIntents").json()
