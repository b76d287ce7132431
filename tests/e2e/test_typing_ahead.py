"""Who types fast loses no key: neither before a page's scripts are here, nor while the next page is on its way."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Site, arrive, sign_in
from tests.rasa import said

pytestmark = pytest.mark.e2e
PEOPLE = ("ann", "ben", "cleo", "dan", "eve", "fay")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("ahead"))
    site.record(*(said("Hello", sender_id=who, timestamp=1_750_000_000.0 - n) for n, who in enumerate(PEOPLE)))
    yield site
    site.stop()


class Slow:
    """What the page asks for at addresses like this one waits until it is let go."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.waiting, self.open = page, list[Route](), False
        page.route(re.compile(address), self.take)

    def take(self, route: Route) -> None:
        if self.open:
            route.fallback()
        else:
            self.waiting.append(route)

    def let_go(self) -> None:
        while not self.waiting:
            self.page.wait_for_timeout(20)
        self.open = True
        for route in self.waiting:
            route.fallback()


def open_first(page: Page) -> None:
    sign_in(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    arrive(page, "ann")


def test_keys_before_the_scripts_are_here_are_pressed_when_they_are(site: Site, page: Page) -> None:
    sign_in(page)
    scripts = Slow(page, r"/rasax/(list|conversation)[^/]*\.js$")
    page.goto("/conversations/", wait_until="commit")
    expect(page.get_by_role("link", name="Hello").first).to_be_visible()
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    scripts.let_go()
    expect(page.get_by_role("heading", name="ben")).to_be_visible()

    scripts = Slow(page, r"/rasax/conversation[^/]*\.js$")
    page.reload(wait_until="commit")
    expect(page.get_by_role("heading", name="ben")).to_be_visible()
    for key in (*"tfood", "Enter"):
        page.keyboard.press(key)
    scripts.let_go()
    expect(page.get_by_role("button", name="Take the tag food off")).to_be_visible()


def test_keys_while_the_next_page_is_on_its_way_are_for_that_page(site: Site, page: Page) -> None:
    open_first(page)
    answer = Slow(page, r"/review/")
    for key in "eeje":  # reviewed: ann, ben, and dan, but not cleo
        page.keyboard.press(key)
    answer.let_go()
    expect(page.get_by_role("heading", name="eve")).to_be_visible()
    page.goto("/conversations/?status=reviewed")
    expect(page.locator("[data-total]")).to_have_text("3 conversations")
    for who in ("ann", "ben", "dan"):
        expect(page.get_by_role("checkbox", name=f"Select {who}")).to_be_attached()


def test_what_is_typed_into_a_field_stays_there(site: Site, page: Page) -> None:
    open_first(page)
    scripts = Slow(page, r"/rasax/conversation[^/]*\.js$")
    page.reload(wait_until="commit")
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    page.keyboard.press("f")
    page.get_by_role("textbox", name="Note").focus()
    page.keyboard.type("see")
    scripts.let_go()
    page.wait_for_load_state()
    page.keyboard.type("n")
    expect(page.get_by_role("textbox", name="Note")).to_have_value("seen")
    expect(page.locator(".said.user.flagged")).to_have_count(0)
