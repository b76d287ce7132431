"""A chat in a real browser: what is typed goes to Rasa, and comes back through an event broker and the socket."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.e2e.conftest import ROOT, Site, listens, live, sign_in
from tests.e2e.looks import picture
from tests.servers.rasa import RasaStandIn

pytestmark = pytest.mark.e2e

SHARE = """
import django, sys
django.setup()
from django.contrib.auth.models import Group
from rasax.accounts.models import User
from rasax.chat.models import GuestLink
from rasax.deployment.models import RasaServer
carol = User.objects.create_user("carol", password="carol-secret-words")
carol.groups.add(Group.objects.get(name="tester"))
server = RasaServer.objects.add(None, name="production", url="{url}", use="production")
words = {{"name": "Try Ada", "description": "Ask about pizza."}}
GuestLink.objects.share(None, server=server, secret="a-secret-of-guests-0123", **words)
"""
LONG_AGO = """
import django
django.setup()
from rasax.chat.models import Chat
assert Chat.objects.exclude(asked_at=None).update(asked_at=1)
"""
GUEST = "/guest/a-secret-of-guests-0123/"


class Talking(Site):
    """With an event service that reads the file which the Rasa server writes."""

    def __init__(self, folder, rasa: RasaStandIn) -> None:
        self.events = folder / "rasa_event.log"
        self.events.touch()
        self.more = {**self.more, "EVENT_BROKER_URL": f"file://{self.events}", "ALLOW_PRIVATE_ADDRESSES": "1"}
        lock = threading.Lock()

        def publish(conversation_id: str, events: list[dict]) -> None:
            with lock, self.events.open("a") as file:
                file.writelines(json.dumps({"sender_id": conversation_id, **event}) + "\n" for event in events)

        rasa.on_events = publish
        super().__init__(folder)
        self.run("-c", SHARE.format(url=rasa.url))
        self.service = subprocess.Popen(
            [sys.executable, "manage.py", "consume_events"], cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log
        )
        with urllib.request.urlopen(f"{self.url}/api/version") as answer:
            rasa.trusts(*(key["key"] for key in json.load(answer)["keys"]))

    def stop(self) -> None:
        self.service.terminate()
        self.service.wait(60)
        super().stop()


@pytest.fixture(scope="module")
def rasa() -> Iterator[RasaStandIn]:
    with RasaStandIn() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, rasa: RasaStandIn) -> Iterator[Site]:
    site = Talking(tmp_path_factory.mktemp("talking"), rasa)
    yield site
    site.stop()


def begin(page: Page, by: str = "carol") -> None:
    page.goto("/accounts/login?next=/chat/")
    page.get_by_label("Username").fill(by)
    page.get_by_label("Password").fill(f"{by}-secret-words")
    page.keyboard.press("Enter")
    page.wait_for_url("**/chat/")
    page.get_by_role("button", name="New conversation").click()
    live(page)


def say(page: Page, text: str) -> None:
    page.get_by_label("Message, or an intent such as /greet").fill(text)
    page.keyboard.press("Enter")


def test_a_tester_chats_corrects_and_saves_a_test(page: Page, axe: Callable[[], list[str]]) -> None:
    begin(page)
    say(page, "hello")
    answer = page.locator(".said.bot").filter(has_text="Hey! How are you?")
    expect(answer).to_be_visible()
    expect(page.locator(".pending")).to_have_count(0)
    expect(page.locator("#end")).to_contain_text("utter_greet")
    picture(page, "chat")
    assert axe() == []
    answer.get_by_role("button", name="great").click()
    expect(page.locator(".said.bot").filter(has_text="image")).to_be_visible()

    # What the bot did not understand is corrected, and the bot waits.
    say(page, "see you in Rome")
    expect(page.locator(".said.user").filter(has_text="out_of_scope")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.get_by_label("Intent", exact=True).fill("goodbye")
    page.keyboard.press("Enter")
    expect(page.locator(".said.user.taken-back").filter(has_text="see you in Rome")).to_be_visible()
    expect(page.locator("#learn")).to_contain_text("utter_goodbye")
    picture(page, "chat-learning")
    assert axe() == []
    page.keyboard.press("1")
    expect(page.locator(".said.bot").filter(has_text="goodbye")).to_be_visible()
    page.get_by_role("button", name="action_listen").first.click()
    expect(page.locator(".listens")).to_be_visible()

    page.locator("summary", has_text="Save as story or test").click()
    page.get_by_label("Name of the story").fill("leaving")
    page.get_by_role("button", name="Save as test").click()
    expect(page.get_by_role("heading", name="leaving")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("intent: goodbye")
    expect(page.locator("pre")).not_to_contain_text("out_of_scope")
    picture(page, "chat-stories")
    assert axe() == []


def test_a_step_back_and_a_restart_by_key(page: Page) -> None:
    begin(page)
    say(page, "bye")
    expect(page.locator(".said.bot")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator(".taken-back")).to_have_count(2)
    page.keyboard.press("r")
    expect(page.get_by_text("Conversation restarted")).to_be_visible()


def test_when_nothing_comes_back_the_page_says_what_to_check(site: Site, page: Page, rasa: RasaStandIn) -> None:
    publish, rasa.on_events = rasa.on_events, lambda *_: None
    page.clock.install()
    begin(page)
    say(page, "hello")
    expect(page.locator(".pending")).to_be_visible()
    site.run("-c", LONG_AGO)
    page.clock.fast_forward(11_000)
    expect(page.get_by_text("Nothing came back for 10 seconds")).to_be_visible()
    picture(page, "chat-nothing-came")
    rasa.on_events = publish
    say(page, "hello")
    expect(page.locator(".said.bot").last).to_be_visible()
    expect(page.get_by_text("Nothing came back for 10 seconds")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width", "language"), [("dark", 1280, "en"), ("light", 390, "de")])
def test_it_looks_well_in_the_dark_and_on_a_phone(
    chromium: Browser, site: Site, scheme: str, width: int, language: str
) -> None:
    context = chromium.new_context(
        base_url=site.url, viewport={"width": width, "height": 844}, color_scheme=scheme, locale=language
    )
    page = context.new_page()
    page.goto("/accounts/login?next=/chat/")
    page.locator("[name=username]").fill("carol")
    page.locator("[name=password]").fill("carol-secret-words")
    page.keyboard.press("Enter")
    page.locator("main form button[type=submit]").first.click()
    live(page)
    page.locator("#composer [name=text]").fill("hello")
    page.keyboard.press("Enter")
    expect(page.locator(".said.bot")).to_be_visible()
    picture(page, f"chat-{scheme}-{width}")
    assert looks.axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_guest_talks_on_a_phone_without_an_account(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(base_url=site.url, viewport={"width": 390, "height": 844}, has_touch=True)
    page, complaints = context.new_page(), []
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.goto(GUEST)
    picture(page, "guest-begin")
    page.get_by_role("button", name="Begin").tap()
    listens(page, page.get_by_label("Message"))
    page.get_by_label("Message").fill("hello")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_text("Hey! How are you?")).to_be_visible()
    page.get_by_role("button", name="great").tap()
    expect(page.locator(".said.user").last).to_contain_text("great")
    expect(page.locator(".said").filter(has_text="image")).to_be_visible()
    picture(page, "guest")
    assert looks.axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    expect(page.get_by_text("Hey! How are you?")).to_be_visible()
    assert complaints == []
    context.close()
    other = chromium.new_context(base_url=site.url).new_page()
    other.goto(GUEST)
    expect(other.get_by_role("button", name="Begin")).to_be_visible()
    expect(other.get_by_text("Hey! How are you?")).to_have_count(0)
    other.context.close()


def test_a_guests_conversation_is_marked_in_the_list(page: Page, site: Site) -> None:
    sign_in(page)
    page.goto("/conversations/?channel=guest")
    expect(page.locator("main")).to_contain_text("hello")
