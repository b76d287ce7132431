"""Stories, responses and the domain in a browser: an editor that completes, tells the line, saves and takes back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SCREENSHOTS, Site, sign_in
from tests.rasax.training.test_dialogue_pages import FILES, MORE

pytestmark = pytest.mark.e2e
TAKE = """
import json, sys
import django
django.setup()
from rasax.training.models import Project
Project.objects.default().take(json.load(sys.stdin), None)
"""
PAGES = {
    "stories": "/data/stories/", "rules": "/data/rules/", "tests": "/data/tests/", "responses": "/data/responses/",
    "domain": "/data/domain/", "config": "/data/config/", "graph": "/data/graph/?name=utter_greet",
    "story": "one", "response": "utter_greet", "new-story": "/data/blocks/new/story/",
}  # fmt: skip
THEMES = ("light", "dark")


@pytest.fixture
def bot(site: Site, page: Page) -> Page:
    import json

    site.run("-c", TAKE, stdin=json.dumps({**FILES, **MORE}))
    sign_in(page)
    return page


def open_page(page: Page, place: str) -> None:
    if place.startswith("/"):
        page.goto(place)
    else:
        page.goto("/data/responses/" if place.startswith("utter") else "/data/stories/")
        page.get_by_role("link", name=place, exact=True).click()


def test_an_error_is_found_mended_saved_and_taken_back(bot: Page) -> None:
    open_page(bot, "one")
    editor = bot.get_by_role("textbox", name="As it stands in the file")
    expect(editor).to_contain_text("utter_faq")
    editor.press("Control+End")
    editor.press_sequentially("\n- action: [oops")
    editor.press("Control+s")
    line = bot.locator(".problems a")
    expect(line).to_have_text("Line 11")
    expect(bot.locator("yaml-editor .sign").last).to_have_attribute("title", "Line 11")
    editor.press("Control+Home")
    line.click()
    expect(editor).to_be_focused()
    expect(bot.locator("yaml-editor .cm-activeLine")).to_have_class("cm-activeLine cm-line cm-wrong")
    editor.press("Shift+End")
    editor.press_sequentially("- action: utter_gr")
    editor.press("Control+s")
    expect(bot.locator(".message-line")).to_contain_text("“one” is saved.")
    expect(editor).to_contain_text("utter_gr")
    bot.get_by_role("button", name="Undo").click()
    expect(bot.locator(".message-line")).to_contain_text("It is as it was before.")
    expect(editor).not_to_contain_text("oops")


def test_names_are_completed_by_keyboard_and_escape_leaves_the_editor(bot: Page) -> None:
    bot.goto("/data/blocks/new/story/")
    editor = bot.get_by_role("textbox", name="As it stands in the file")
    expect(editor).to_be_focused()
    editor.press("Control+a")
    editor.press_sequentially("- story: typed\nsteps:\n- intent: by")
    option = bot.locator("yaml-editor [role=option][aria-selected=true]")
    expect(option).to_have_text("bye")
    editor.press("Enter")
    editor.press_sequentially("\n")
    editor.press("Control+Space")
    editor.press_sequentially("acti")
    expect(bot.locator("yaml-editor [role=option]").first).to_contain_text("act")
    editor.press("Escape")
    expect(editor).to_be_focused()
    assert "- intent: bye" in editor.inner_text()
    editor.press("Escape")
    bot.keyboard.press("Tab")
    expect(bot.get_by_role("button", name="Save")).to_be_focused()


def test_without_a_script_the_text_is_edited_all_the_same(bot: Page) -> None:
    plain = bot.context.browser.new_context(
        base_url=bot.url.split("/conversations")[0],
        java_script_enabled=False,
        storage_state=bot.context.storage_state(),
    ).new_page()
    open_page(plain, "one")
    field = plain.get_by_label("As it stands in the file")
    field.fill(field.input_value().replace("utter_faq", "utter_other"))
    plain.get_by_role("button", name="Save").click()
    assert "“one” is saved." in plain.locator(".message-line").inner_text()
    plain.context.close()


@pytest.mark.parametrize("look", PAGES)
def test_everybody_can_use_it(bot: Page, axe, look: str) -> None:
    open_page(bot, PAGES[look])
    Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        bot.locator(f"button[data-theme={theme}]").evaluate("(button) => button.click()")
        for size in ((390, 844), (1280, 720)):
            bot.set_viewport_size({"width": size[0], "height": size[1]})
            bot.screenshot(path=SCREENSHOTS / f"data-{look}-{theme}-{size[0]}.png")
            assert bot.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
        assert axe() == []


def test_pages_without_an_editor_load_no_codemirror(bot: Page) -> None:
    asked: list[str] = []
    bot.on("request", lambda request: asked.append(request.url))
    for place in ("/data/stories/", "/data/responses/", "/data/domain/", "/data/graph/?name=greet"):
        bot.goto(place)
    assert not [url for url in asked if "codemirror" in url]
