"""Stories in a browser: an editor that completes, tells the line, saves and takes back."""

import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, listens, sign_in
from tests.rasax.training.test_dialogue_pages import FILES, MORE

pytestmark = pytest.mark.e2e
TAKE = """
import json, sys
import django
django.setup()
from rasax.training.models import Project
Project.objects.default().take(json.load(sys.stdin), None)
"""
LABEL = "As it stands in the file"
MOMENT = 150  # milliseconds in which CodeMirror takes no key for a list that has just opened


@pytest.fixture
def bot(site: Site, page: Page) -> Page:
    site.run("-c", TAKE, stdin=json.dumps({**FILES, **MORE}))
    sign_in(page)
    return page


def open_story(page: Page, name: str) -> None:
    page.goto("/data/stories/")
    page.get_by_role("link", name=name, exact=True).click()


def test_an_error_is_found_mended_saved_and_taken_back(bot: Page, refusing: set[str]) -> None:
    open_story(bot, "one")
    editor = bot.get_by_role("textbox", name=LABEL)
    listens(bot, bot.locator("yaml-editor.made"))
    refusing.add(urlsplit(bot.url).path)
    editor.press("Control+End")
    editor.press_sequentially("\n- action: [oops")
    editor.press("Control+s")
    line = bot.locator(".problems a")
    expect(line).to_have_text("Line 10")
    assert bot.locator("yaml-editor").evaluate("editor => editor.isChanged"), "what was refused is not saved"
    expect(bot.locator("yaml-editor .sign").last).to_have_attribute("title", "Line 10")
    editor.press("Control+Home")
    line.click()
    expect(editor).to_be_focused()
    expect(bot.locator("yaml-editor .cm-activeLine.cm-wrong")).to_contain_text("oops")
    editor.press("Shift+End")
    editor.press_sequentially("  - action: utter_new")
    editor.press("Control+s")
    expect(bot.locator(".message-line")).to_contain_text("“one” is saved.")
    expect(editor).to_contain_text("utter_new")
    bot.get_by_role("button", name="Undo").click()
    expect(bot.locator(".message-line")).to_contain_text("It is as it was before.")
    expect(editor).to_contain_text("utter_faq")
    expect(editor).not_to_contain_text("utter_new")


def test_names_are_completed_by_keyboard_and_escape_leaves_the_editor(bot: Page) -> None:
    bot.goto("/data/blocks/new/story/")
    editor = bot.get_by_role("textbox", name=LABEL)
    expect(editor).to_be_focused()
    editor.press("Control+a")
    editor.press_sequentially("- story: typed\nsteps:\n- intent: by")
    expect(bot.locator("yaml-editor [role=option][aria-selected=true]")).to_have_text("bye")
    bot.wait_for_timeout(MOMENT)
    editor.press("Enter")
    expect(editor).to_contain_text("- intent: bye")
    editor.press_sequentially("\n- ac")
    expect(bot.locator("yaml-editor [role=option]").first).to_have_text("action")
    editor.press("Escape")
    expect(bot.locator("yaml-editor [role=option]")).to_have_count(0)
    expect(editor).to_be_focused()
    editor.press("Escape")
    bot.keyboard.press("Tab")
    expect(bot.get_by_role("button", name="Save")).to_be_focused()


def test_without_a_script_the_text_is_edited_all_the_same(bot: Page) -> None:
    plain = bot.context.browser.new_context(
        base_url=bot.url.split("/conversations")[0],
        java_script_enabled=False,
        storage_state=bot.context.storage_state(),
    ).new_page()
    open_story(plain, "one")
    field = plain.get_by_label(LABEL)
    field.fill(field.input_value().replace("utter_faq", "utter_other"))
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator(".message-line")).to_contain_text("“one” is saved.")
    plain.context.close()


def test_pages_without_an_editor_load_no_codemirror(bot: Page) -> None:
    asked: list[str] = []
    bot.on("request", lambda request: asked.append(request.url))
    for place in ("/data/stories/", "/data/responses/", "/data/domain/", "/data/graph/?name=greet"):
        bot.goto(place)
    assert not [url for url in asked if "codemirror" in url]
