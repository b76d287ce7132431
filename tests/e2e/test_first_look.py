"""An annotator's first look: a conversation appears, is read, tagged, flagged, reviewed; by mouse and by keys."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import MISSING, Site, arrive, live, sign_in
from tests.e2e.looks import look
from tests.rasa import message, recorded, replied, said

pytestmark = pytest.mark.e2e

PIZZA = [
    said("I would like a pizza", sender_id="ann", timestamp=1_750_000_000.0, intent="order", confidence=0.93),
    message("ann", "action", 1_750_000_000.1, name="utter_ask_size", policy="RulePolicy", confidence=1.0),
    replied("Which size?", sender_id="ann", timestamp=1_750_000_000.2),
]
LARGE = [
    said("A large one", sender_id="ann", timestamp=1_750_000_010.0, intent="inform", confidence=0.41),
    replied("Large it is.", sender_id="ann", timestamp=1_750_000_010.2),
]


def row(page: Page, text: str):
    return page.get_by_role("row").filter(has_text=text)


def test_by_mouse(site: Site, page: Page) -> None:
    sign_in(page)
    expect(page.get_by_text("Waiting for the first event")).to_be_visible()
    live(page)
    page.evaluate("window.sameDocument = true")

    site.record(*PIZZA)
    expect(row(page, "I would like a pizza")).to_be_visible()
    assert page.evaluate("window.sameDocument")

    page.get_by_role("link", name="I would like a pizza").click()
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    live(page)

    site.record(*LARGE)
    expect(page.get_by_text("Large it is.")).to_be_visible()
    expect(page.get_by_text("41")).to_have_count(2)  # in the transcript and, lowest of all, in the panel

    page.get_by_role("combobox", name="Tag").fill("food")
    page.get_by_role("button", name="Add the tag").click()
    expect(page.get_by_role("button", name="Take the tag food off")).to_be_visible()

    message_of_user = page.locator(".said.user").filter(has_text="A large one")
    message_of_user.hover()
    message_of_user.get_by_role("button", name="Flag this message").click()
    expect(page.get_by_role("heading", name="Flagged messages")).to_be_visible()
    expect(message_of_user.get_by_role("button", name="Flag this message")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("textbox", name="Note").fill("She knows what she wants.")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("She knows what she wants.")).to_be_visible()

    page.get_by_role("button", name="Reviewed", exact=True).click()
    expect(page.get_by_role("button", name="Reviewed", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Back to the list").click()
    pizza = row(page, "I would like a pizza")
    expect(pizza).not_to_have_class(re.compile("unread"))
    expect(pizza.get_by_text("food")).to_be_visible()
    expect(pizza.get_by_title("Has a flagged message")).to_be_visible()


def test_by_keyboard_alone(site: Site, page: Page) -> None:
    sign_in(page)
    live(page)
    site.record(*PIZZA, said("Where is my parcel?", sender_id="ben", timestamp=1_750_000_100.0, intent="track"))
    expect(row(page, "Where is my parcel?")).to_be_visible()
    keys = page.keyboard

    keys.press("j")
    keys.press("j")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    live(page)

    keys.press("t")
    keys.type("food", delay=20)
    keys.press("Enter")
    expect(page.get_by_role("button", name="Take the tag food off")).to_be_visible()

    keys.press("f")
    expect(page.locator(".said.user.flagged")).to_be_visible()

    keys.press("k")
    arrive(page, "ben")
    keys.press("e")
    arrive(page, "ann")
    keys.press("e")
    arrive(page, "Conversations")
    expect(page.get_by_text("That was the last one.")).to_be_visible()
    expect(page.locator(".row-of.unread")).to_have_count(0)

    keys.press("j")
    keys.press("u")
    expect(page.locator(".row-of.unread")).to_have_count(1)
    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    keys.press("/")
    keys.type("pizza", delay=20)
    expect(row(page, "Where is my parcel?")).to_have_count(0)
    expect(row(page, "I would like a pizza")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/conversations/\?q=pizza$"))


def test_rows_do_not_move_under_the_pointer(site: Site, page: Page) -> None:
    site.record(*PIZZA)
    sign_in(page)
    live(page)
    row(page, "I would like a pizza").hover()
    site.record(said("Where is my parcel?", sender_id="ben", timestamp=1_750_000_100.0), *LARGE)
    pill = page.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    expect(row(page, "Large it is.")).to_be_visible()  # the row says what is new, in its place
    expect(page.locator(".row-of")).to_have_count(1)
    pill.click()
    expect(page.locator(".row-of")).to_have_count(2)


def test_several_rows_at_once(site: Site, page: Page) -> None:
    site.record(*PIZZA, said("Hello", sender_id="ben", timestamp=1_750_000_100.0))
    sign_in(page)
    for each in ("Select ann", "Select ben"):
        page.get_by_role("checkbox", name=each).check()
    page.get_by_role("combobox", name="Tag").fill("billing")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("Tagged 2 conversations “billing”.")).to_be_visible()
    expect(page.locator(".row-of .tag")).to_have_count(2)


def test_an_event_that_comes_late_stands_in_its_place(site: Site, page: Page) -> None:
    site.record(PIZZA[0], PIZZA[2])
    sign_in(page)
    page.get_by_role("link", name="I would like a pizza").click()
    live(page)
    site.record(PIZZA[1])
    line = page.locator(".line", has_text="utter_ask_size")
    expect(line).to_be_visible()
    assert page.locator("#transcript > li").nth(2).inner_text().startswith("utter_ask_size")


def test_a_long_conversation_begins_at_its_end_and_earlier_messages_come_on_scrolling(site: Site, page: Page) -> None:
    turns = [
        (said(f"question {n}", timestamp=1000.0 + n), replied(f"answer {n}", timestamp=1000.5 + n)) for n in range(120)
    ]
    site.record(*[each for turn in turns for each in turn])
    sign_in(page)
    page.locator(".row-link").click()
    live(page)
    transcript = page.get_by_role("region", name="Transcript")
    expect(page.get_by_text("answer 119")).to_be_in_viewport()
    expect(transcript.get_by_text("question 60", exact=True)).to_have_count(0)
    transcript.hover()
    first = transcript.locator(".said.user .bubble").first
    while (before := first.inner_text()) != "question 0":
        page.mouse.wheel(0, -100_000)
        expect(first).not_to_have_text(before)
    page.mouse.wheel(0, -100_000)
    expect(transcript.get_by_text("question 0", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("1970")).to_have_count(3)  # the day once, and two facts in the panel
    site.record(said("One more", timestamp=2000.0))
    expect(transcript.get_by_text("One more")).to_have_count(1)
    expect(transcript.get_by_text("question 0", exact=True)).to_be_in_viewport()


def test_without_javascript(site: Site, chromium: Browser) -> None:
    site.record(*PIZZA, said("Hello", sender_id="ben", timestamp=1_750_000_100.0))
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.get_by_role("checkbox", name="order").check()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("intent=order"))
    page.get_by_role("link", name="I would like a pizza").click()
    page.get_by_role("combobox", name="Tag").fill("food")
    page.get_by_role("button", name="Add the tag").click()
    expect(page.get_by_role("button", name="Take the tag food off")).to_be_visible()
    said_first = page.locator(".said.user").first
    said_first.hover()
    said_first.get_by_role("button", name="Flag this message").click()
    expect(page.get_by_role("heading", name="Flagged messages")).to_be_visible()
    page.get_by_role("button", name="Reviewed, next").click()
    expect(page.get_by_text("That was the last one.")).to_be_visible()
    context.close()


def test_every_page_is_accessible_and_looks_its_best(site: Site, page: Page) -> None:
    page.goto("/")
    look(page, "login")
    sign_in(page)
    live(page)
    look(page, "empty")
    site.record(*recorded())
    expect(page.locator(".row-of").first).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Select")).first.check()
    page.get_by_role("combobox", name="Tag").fill("to discuss")
    page.get_by_role("button", name="Add tag").click()
    look(page, "list")
    page.keyboard.press("?")
    look(page, "keys")
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name=re.compile("Select")).first.check()
    look(page, "selected")
    page.goto("/conversations/?intent=greet&q=nothing+like+this")
    look(page, "no-match")
    page.goto("/conversations/")
    page.locator(".row-link").nth(4).click()
    live(page)
    page.keyboard.press("f")
    expect(page.get_by_role("heading", name="Flagged messages")).to_be_visible()
    page.get_by_role("checkbox", name="Rasa's internals").check()
    look(page, "conversation")
    for name, address in {"account": "/accounts/", "password": "/accounts/password"}.items():
        page.goto(address)
        look(page, name)
    page.goto(MISSING)
    look(page, "not-found")
