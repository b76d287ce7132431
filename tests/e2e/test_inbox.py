"""The NLU inbox in a browser: twenty texts by keyboard alone, many at once, and what comes in meanwhile."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, sign_in
from tests.rasa import said

pytestmark = pytest.mark.e2e
TAUGHT = """
import json
import django
django.setup()
from rasax.training.models import Example
rows = Example.objects.order_by("pk").values_list("intent", "source")
open({place!r}, "w").write(json.dumps([list(row) for row in rows]))
"""


def taught(site: Site, folder) -> list[tuple[str, str]]:
    place = folder / "taught.json"
    site.run("-c", TAUGHT.format(place=str(place)))
    return [(intent, source) for intent, source in json.loads(place.read_text())]


def ranked(number: int, **fields: object) -> object:
    """The surer, the later in the inbox."""
    ranking = [{"name": name, "confidence": 0.5} for name in ("track", "order", "greet")]
    parse_data = {"intent": {"name": "track", "confidence": 0.2 + number / 100}, "entities": [], **fields}
    message = said(f"text {number:02} to Köln 🙂", sender_id=f"s{number}", timestamp=float(number))
    body = {**json.loads(message.body), "parse_data": {**parse_data, "intent_ranking": ranking}}
    return type(message)(json.dumps(body).encode())


def chosen(page: Page, words: str) -> None:
    expect(page.locator("[data-rows] tr[aria-current] .title")).to_contain_text(words)
    expect(page.locator("#message .marker-surface")).to_contain_text(words)


def test_twenty_texts_are_annotated_by_keyboard_alone(page: Page, site: Site, axe, tmp_path) -> None:
    site.record(*(ranked(number) for number in range(22)))
    sign_in(page)
    page.goto("/inbox/")
    chosen(page, "text 00")
    assert axe() == []
    page.keyboard.press("m")
    page.keyboard.press("Home")
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#message [data-said]")).to_contain_text("“Köln”")
    page.keyboard.press("0")
    page.keyboard.type("city")
    page.keyboard.press("Enter")
    expect(page.locator("#message mark")).to_have_text("Köln")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    chosen(page, "text 01")
    page.keyboard.press("i")
    page.keyboard.type("a_new_one")
    expect(page.locator("[data-is-new]")).to_contain_text("it will be made")
    page.keyboard.press("Enter")
    chosen(page, "text 02")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    for _ in range(17):  # faster than the answers come
        page.keyboard.press("Enter")
    chosen(page, "text 20")
    rows = taught(site, tmp_path)
    assert len(rows) == 20
    assert rows[:3] == [
        ("track", "text 00 to [Köln](city) 🙂"), ("a_new_one", "text 01 to Köln 🙂"), ("order", "text 02 to Köln 🙂"),
    ]  # fmt: skip
    page.keyboard.press("s")
    chosen(page, "text 21")
    page.keyboard.press("z")
    chosen(page, "text 20")
    page.keyboard.press("z")
    chosen(page, "text 19")
    expect(page.get_by_role("link", name="Inbox").locator("[data-badge]")).to_have_text("3")
    assert len(taught(site, tmp_path)) == 19


def test_many_at_once_and_what_comes_in_meanwhile(page: Page, site: Site, axe, tmp_path) -> None:
    site.record(*(ranked(number) for number in range(6)))
    sign_in(page)
    page.emulate_media(color_scheme="dark")
    page.goto("/inbox/")
    chosen(page, "text 00")
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("[data-number]")).to_have_text("3")
    assert axe() == []
    site.record(said("quite new", sender_id="new", timestamp=900.0, confidence=0.01))
    expect(page.locator("[data-pill-text]")).to_have_text("1 new")
    page.keyboard.press("Enter")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(3)
    assert [source[:7] for _, source in taught(site, tmp_path)] == ["text 01", "text 02", "text 03"]
    page.keyboard.press("n")
    chosen(page, "quite new")
    page.keyboard.press("Delete")
    chosen(page, "text 00")
    page.keyboard.press("a")
    expect(page.locator("[data-every]")).to_have_text("Select all 3 that match")
    assert axe() == []
    page.keyboard.press("s")
    expect(page.locator("#jobs .job-line")).to_have_text("Skipped 3 texts.")
    expect(page.get_by_role("heading", name="The inbox is empty")).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator("#jobs .job-line")).to_have_text("3 texts are as they were.")
    chosen(page, "text 00")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".row-link").first.click()
    page.get_by_label("order").check()
    page.get_by_role("button", name="Put into the training data").click()
    expect(page.locator(".message-line")).to_contain_text("1 text is in the training data now")
