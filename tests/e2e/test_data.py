"""Training data in a browser: a project comes in, an intent gets another name, entities are marked by keyboard."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, sign_in
from tests.rasax.training.test_intents import FILES

pytestmark = pytest.mark.e2e

TAKE = """
import json, sys
import django
django.setup()
from rasax.training.models import Project
Project.objects.default().take(json.load(sys.stdin), None)
"""
FAMILY = "Fly 👨‍👩‍👧 from e\u0301vora 🙂 tomorrow"
HEBREW = "אני רוצה לטוס לתל אביב מחר"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("data"))
    yield site
    site.stop()


def downloaded(page: Page) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(page.request.get("/data/files/project.zip").body())) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def test_a_project_comes_in_and_an_intent_is_renamed_through_everything(page: Page) -> None:
    sign_in(page, "alice")
    page.get_by_role("link", name="Training data").click()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in FILES.items():
            archive.writestr(f"bot/{path}", text)
    page.get_by_label("A zip, a tar.gz or YAML files").set_input_files(
        {"name": "bot.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    )
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("4 files differ.")).to_be_visible()
    page.get_by_role("button", name="Take it in").click()
    assert downloaded(page) == FILES
    page.get_by_role("link", name="Intents").click()
    page.get_by_role("link", name="greet").click()
    page.get_by_role("link", name="Rename or merge").click()
    page.get_by_label("New name").fill("welcome")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="domain.yml")).to_contain_text("+- welcome")
    page.get_by_role("button", name="Rename it everywhere").click()
    expect(page.get_by_role("heading", name="welcome")).to_be_visible()
    files = downloaded(page)
    assert "- intent: welcome  # hello" in files["data/nlu.yml"]
    assert "- intent: welcome\n" in files["data/stories.yml"]
    assert files["domain.yml"].startswith("intents:\n- welcome\n")
    assert "/welcome{" in files["domain.yml"]
    page.keyboard.press("z")
    expect(page.get_by_text("It is as it was before.")).to_be_visible()
    assert downloaded(page) == FILES


@pytest.fixture
def greetings(site: Site) -> None:
    lines = f'nlu:\n- intent: fly\n  examples: |\n    - {FAMILY}\n    - {HEBREW}\n    - "to [Rome](city)"\n'
    site.run("-c", TAKE, stdin=json.dumps({"data/fly.yml": lines}))


def test_entities_are_marked_by_keyboard_alone_with_emoji_and_right_to_left(page: Page, greetings: None) -> None:
    sign_in(page, "alice")
    page.goto("/data/intent/?name=fly")
    keys, surface = page.keyboard, page.locator(".examples .marker-surface")
    keys.press("j")
    keys.press("e")
    expect(surface).to_be_focused()
    keys.press("Control+Home")
    for _ in range(11):  # "Fly ", a family, which is one step, and " from "
        keys.press("ArrowRight")
    keys.press("Shift+Control+ArrowRight")
    city = page.locator(".examples [data-entity=city] kbd").text_content() or ""
    keys.press(city)
    said = page.locator(".examples [data-said]")
    expect(said).to_have_text("“e\u0301vora” is marked as city now.")
    keys.press("Enter")
    keys.type("from")
    keys.press("Enter")
    keys.press("End")
    keys.press("Shift+Control+ArrowLeft")
    keys.press("0")
    keys.type("date")
    keys.press("Enter")
    expect(surface.locator("mark")).to_have_count(2)
    keys.press("Home")
    keys.press("Enter")
    expect(page.get_by_text("The example is changed.")).to_be_visible()
    text = downloaded(page)["data/fly.yml"]
    assert '    - Fly 👨‍👩‍👧 from [e\u0301vora]{"entity": "city", "role": "from"} 🙂 [tomorrow](date)\n' in text

    keys.press("j")
    keys.press("j")
    keys.press("e")
    expect(surface).to_be_focused()
    assert surface.evaluate("(each) => getComputedStyle(each).direction") == "rtl"
    keys.press("Control+Home")
    for _ in range(len("אני רוצה לטוס ")):
        keys.press("ArrowLeft")
    for _ in range(len("לתל אביב")):
        keys.press("Shift+ArrowLeft")
    keys.press(city)
    expect(said).to_contain_text("לתל אביב")
    keys.press("Backspace")
    expect(surface.locator("mark")).to_have_count(0)
    keys.press(city)
    keys.press("Home")
    keys.press("Enter")
    expect(page.get_by_text("The example is changed.")).to_be_visible()
    assert "    - אני רוצה לטוס [לתל אביב](city) מחר\n" in downloaded(page)["data/fly.yml"]


def test_examples_are_selected_and_moved_by_keyboard_and_marked_by_mouse(page: Page, greetings: None) -> None:
    sign_in(page, "alice")
    page.goto("/data/intent/?name=fly")
    keys = page.keyboard
    page.get_by_role("link", name="Fly").click()
    word = page.locator(".examples .marker-surface")
    word.dblclick(position={"x": 24, "y": 22})
    page.locator(".examples").get_by_role("button", name="city").click()
    expect(word.locator("mark").first).to_have_text("Fly")
    keys.press("Escape")
    keys.press("x")
    keys.press("j")
    keys.press("Shift+X")
    keys.press("m")
    keys.type("travel")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("2 examples are in “travel” now.")).to_be_visible()
