"""A day in the list: triage by keys alone, filters that become views, changes of many and their undoing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, listens, live, sign_in
from tests.rasa import replied, said

pytestmark = pytest.mark.e2e
INTENTS = ("order", "refund", "track", "greet")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for the module; each test keeps to conversations of its own."""
    folder: Path = tmp_path_factory.mktemp("list")
    site = Site(folder)
    site.record(
        *(
            line
            for number in range(24)
            for line in (
                said(
                    f"Question {number:02}",
                    sender_id=f"person-{number:02}",
                    timestamp=1_750_000_000.0 - number * 60,
                    intent=INTENTS[number % 4],
                    confidence=0.9 - number / 50,
                ),
                replied(
                    f"Answer {number:02}", sender_id=f"person-{number:02}", timestamp=1_750_000_001.0 - number * 60
                ),
            )
        )
    )
    yield site
    site.stop()


@pytest.fixture
def listed(page: Page) -> Page:
    sign_in(page)
    live(page)
    expect(page.locator("[data-total]")).to_have_text("24 conversations")
    return page


def row(page: Page, number: int):
    return page.locator(".row-of").filter(has_text=f"Question {number:02}")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.closest('tr')?.querySelector('.title').textContent ?? ''")


def test_twenty_conversations_by_keyboard_alone(listed: Page) -> None:
    keys = listed.keyboard
    keys.press("j")
    for number in range(20):
        assert focused(listed) == f"Question {number:02}"
        if number % 5 == 0:
            keys.press("f")
        if number % 4 == 3:
            keys.press("s")
            expect(row(listed, number).locator(".state.saved_for_later")).to_be_visible()
            keys.press("j")
        else:
            keys.press("e")  # which goes to the next
    expect(listed.locator(".state.saved_for_later")).to_have_count(5)
    expect(listed.locator(".state.reviewed")).to_have_count(15)
    expect(listed.locator(".flag-mark")).to_have_count(4)
    keys.press("k")
    keys.press("u")
    expect(row(listed, 19).locator(".state.unread")).to_be_visible()
    keys.press("Enter")
    expect(listed).to_have_url(re.compile(r"/conversations/\d+/"))
    listed.go_back()
    expect(listed.locator(".state.reviewed")).to_have_count(15)


def test_shift_x_selects_to_here_and_keys_stay_out_of_text_boxes(listed: Page) -> None:
    keys = listed.keyboard
    for key in ("j", "j", "x", "j", "j", "Shift+X"):
        keys.press(key)
    expect(listed.locator("[data-selected]")).to_have_text("3")
    keys.press("j")  # keys go on working while something is selected
    assert focused(listed) == "Question 04"
    keys.press("t")
    keys.type("xjek", delay=5)
    expect(listed.locator("#bulk-tag")).to_have_value("xjek")
    expect(listed.locator("[data-selected]")).to_have_text("3")
    listed.locator("#bulk-tag").fill("")
    keys.press("Escape")
    keys.press("/")
    keys.type("x", delay=5)
    expect(listed.locator("#search")).to_have_value("x")


def test_filters_become_a_view_that_is_shared_and_all_that_match_are_tagged_and_untagged(listed: Page) -> None:
    listed.locator("label.choice", has_text="order").first.click()
    expect(listed).to_have_url(re.compile(r"\?intent=order$"))
    expect(listed.locator("[data-total]")).to_have_text("6 conversations")
    listed.get_by_text("Save as a view").click()
    listed.get_by_label("Name", exact=True).fill("Orders")
    listed.get_by_role("button", name="Save", exact=True).click()
    view = listed.get_by_role("link", name="Orders")
    listens(listed, view)
    expect(view).to_have_attribute("aria-current", "true")
    expect(view.locator(".count")).to_have_text("6")
    listed.locator(".save-view summary").click()
    listed.get_by_role("button", name="Share it with everybody").click()
    listens(listed, listed.locator(".save-view button[value=unshare]"))
    listed.locator(".save-view summary").click()
    expect(listed.get_by_role("button", name="Keep it to yourself")).to_be_visible()
    listed.locator(".save-view summary").click()

    listed.locator("[data-select-page]").check()
    listed.get_by_label("Select all 6 that match").check()
    listed.keyboard.press("t")
    listed.keyboard.type("food", delay=5)
    listed.keyboard.press("Enter")
    expect(listed.locator(".row-of .tag", has_text="food")).to_have_count(6)
    expect(listed.locator("#jobs .job")).to_be_visible()
    listed.keyboard.press("z")
    expect(listed.locator(".row-of .tag", has_text="food")).to_have_count(0)


def test_the_palette_by_keyboard(listed: Page) -> None:
    keys = listed.keyboard
    keys.press("j")
    keys.press("Control+k")
    field = listed.get_by_role("combobox", name="Find a page, an action or a conversation")
    expect(field).to_be_focused()
    keys.type("select it", delay=5)
    expect(listed.get_by_role("option", name="Select it, or not")).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "palette-0")
    keys.press("Enter")
    expect(listed.locator("[data-selected]")).to_have_text("1")  # the row that had the focus before
    keys.press("Control+k")
    keys.type("person-07", delay=5)
    expect(listed.get_by_role("option", name="person-07").nth(1)).to_be_visible()
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(listed.get_by_role("heading", name="person-07")).to_be_visible()


def test_density_and_open_groups_are_remembered(listed: Page) -> None:
    before = row(listed, 3).bounding_box()["height"]
    listed.get_by_role("button", name="Compact rows").click()
    assert row(listed, 3).bounding_box()["height"] < before
    listed.locator(
        "[data-group=action] summary, [data-group=channel] summary, [data-group=numbers] > summary"
    ).last.click()
    listed.reload()
    expect(listed.get_by_role("button", name="Compact rows")).to_have_attribute("aria-pressed", "true")
    expect(listed.locator("[data-group=numbers]")).to_have_attribute("open", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_accessible(listed: Page, axe, scheme) -> None:
    listed.emulate_media(color_scheme=scheme)
    assert axe() == []
    listed.locator("[name=selected]").first.check()
    listed.get_by_text("Messages and confidence").click()
    assert axe() == []
    listed.keyboard.press("Control+k")
    expect(listed.locator("#palette [role=option]").first).to_be_visible()
    assert axe() == []


def test_nothing_is_cut_off_on_a_phone(listed: Page) -> None:
    listed.set_viewport_size({"width": 390, "height": 844})
    assert listed.evaluate("document.documentElement.scrollWidth") <= 390
    listed.locator("label[for=show-filters]").click()
    expect(listed.locator("#filters")).to_be_visible()
    assert listed.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_phone_has_all_areas_in_a_menu_and_needs_no_script_for_it(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(base_url=site.url, viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    areas = page.get_by_role("navigation", name="Main")
    expect(areas.get_by_role("link")).to_have_text(["Conversations"])
    areas.locator("summary").click()
    areas.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    expect(areas.locator("summary")).to_be_hidden()
    expect(areas.get_by_role("link", name="Training", exact=True)).to_be_visible()
    context.close()


def test_the_menu_of_all_areas_is_accessible_and_closes_by_key(listed: Page, axe) -> None:
    listed.set_viewport_size({"width": 390, "height": 844})
    menu = listed.locator(".top-menu")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("link", name="Settings")).to_be_visible()
    assert axe() == []
    menu.get_by_role("link", name="Chat").focus()
    listed.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Settings")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
