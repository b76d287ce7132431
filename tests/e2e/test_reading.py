"""One conversation, read closely: intents corrected by key, the state at a point, images, and two people at once."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, arrive, live, sign_in
from tests.e2e.looks import look
from tests.rasa import message, replied, said

pytestmark = pytest.mark.e2e

T = 1_750_000_000.0
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf500f0003860180b4a2d1a40000000049454e44ae426082"
)
RANKING = [
    {"name": "order", "confidence": 0.61},
    {"name": "inform", "confidence": 0.3},
    {"name": "deny", "confidence": 0.09},
]
UNSURE = {"intent": RANKING[0], "intent_ranking": RANKING, "entities": [], "text": "A large one"}


class Pictures:
    """A server of somebody else's, which counts what it is asked for."""

    def __init__(self) -> None:
        self.requests: list[str | None] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.headers.get("Referer"))
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.end_headers()
                self.wfile.write(PIXEL)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cat.png"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def pictures() -> Iterator[Pictures]:
    pictures = Pictures()
    yield pictures
    pictures.server.shutdown()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> Iterator[Site]:
    """One for all of these, with Ann's conversation and somebody else's."""
    site = Site(tmp_path_factory.mktemp("reading"))
    site.record(
        said("Where is my parcel?", sender_id="ben", timestamp=T - 100, intent="track"),
        said("I would like a pizza", timestamp=T, intent="order", confidence=0.93),
        message("ann", "action", T + 0.1, name="utter_ask_size", policy="RulePolicy", confidence=1.0),
        message("ann", "bot", T + 0.2, text="Which size?", data={"image": pictures.url}),
        message("ann", "user", T + 10, text="A large one", parse_data=UNSURE, input_channel="rest"),
        message("ann", "slot", T + 10.1, name="size", value="large"),
        replied("Large it is.", timestamp=T + 10.2),
    )
    yield site
    site.stop()


def open_ann(page: Page, by: str = "bob") -> None:
    sign_in(page, by)
    page.get_by_role("link", name="I would like a pizza").click()
    arrive(page, "ann")
    live(page)


def bubble(page: Page, text: str):
    return page.locator(".said").filter(has_text=text)


def test_an_intent_is_corrected_by_keys_alone(page: Page) -> None:
    open_ann(page)
    keys, large = page.keyboard, bubble(page, "A large one")
    form = page.get_by_role("region", name="Correct the intent")

    def open_form() -> None:
        keys.press("i")
        expect(form).to_be_focused()

    open_form()
    keys.press("2")
    expect(large.get_by_text("→ inform by bob")).to_be_visible()
    expect(form).to_have_count(0)
    expect(large).to_be_focused()

    open_form()
    keys.press("0")
    keys.type("size of pizza", delay=10)
    keys.press("Enter")
    expect(large.get_by_text("→ size of pizza by bob")).to_be_visible()
    open_form()
    keys.press("1")
    expect(large.get_by_text("confirmed by bob")).to_be_visible()
    open_form()
    form.get_by_role("button", name="Withdraw the correction").click()
    expect(large.locator(".corrected")).to_have_count(0)
    open_form()
    keys.press("Escape")
    expect(form).to_have_count(0)
    expect(large).to_be_focused()


def test_slots_and_story_are_seen_at_any_point(page: Page) -> None:
    open_ann(page)
    at = page.get_by_role("region", name="At this point")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("p")
    expect(at.get_by_role("row", name="size")).to_contain_text("large")
    expect(at).to_contain_text("- intent: order")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(at).to_contain_text("No slot was set up to here.")
    with page.expect_download() as download:
        at.get_by_role("link", name="Download").first.click()
    assert download.value.suggested_filename.startswith("story_")
    page.keyboard.press("Escape")
    expect(at).to_be_hidden()
    page.locator(".line", has_text="utter_ask_size").locator("[data-at]").click()
    expect(at).to_contain_text('"policy": "RulePolicy"')


def test_an_image_is_fetched_when_somebody_clicks_and_not_before(page: Page, pictures: Pictures) -> None:
    open_ann(page)
    assert pictures.requests == []
    page.get_by_role("link", name="Show image").click()
    picture = page.frame_locator("iframe.image").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(img) => img.complete && img.naturalWidth") == 1
    assert pictures.requests == [None]  # and it does not learn where


def test_two_reviewers_see_each_other_and_tag_at_once(site: Site, page: Page, chromium: Browser) -> None:
    open_ann(page)
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 720})
    other = context.new_page()
    open_ann(other, "alice")
    expect(page.get_by_text("alice is here, too")).to_be_visible()
    expect(other.get_by_text("bob is here, too")).to_be_visible()
    for reader, tag in ((page, "food"), (other, "urgent")):
        reader.get_by_role("combobox", name="Tag").fill(tag)
    for reader in (page, other):
        reader.get_by_role("button", name="Add the tag").click(no_wait_after=True)
    for reader in (page, other):
        for tag in ("food", "urgent"):
            expect(reader.get_by_role("button", name=f"Take the tag {tag} off")).to_be_visible()
    other.keyboard.press("a")
    expect(page.locator(".assignee")).to_contain_text("alice")
    other.goto("/conversations/")
    expect(page.get_by_text("alice is here, too")).to_have_count(0)
    context.close()


def test_the_list_stands_beside_it_and_the_keys_move_along(page: Page) -> None:
    open_ann(page)
    column = page.get_by_role("navigation", name="The list")
    expect(column.locator("[aria-current]")).to_contain_text("I would like a pizza")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="ben")).to_be_visible()
    expect(column.locator("[aria-current]")).to_contain_text("Where is my parcel?")
    expect(page.get_by_text("2 of 2")).to_be_visible()


def test_without_javascript_each_is_a_page(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.get_by_role("link", name="I would like a pizza").click()
    said_last = bubble(page, "A large one")
    said_last.hover()
    said_last.get_by_role("link", name="Slots, story and event").click()
    expect(page.get_by_role("heading", name="Story so far")).to_be_visible()
    page.get_by_role("link", name="Back to the conversation").click()
    bubble(page, "A large one").get_by_role("link", name="Correct the intent").click()
    page.get_by_role("button", name="deny").click()
    expect(bubble(page, "A large one").get_by_text("→ deny by bob")).to_be_visible()
    page.get_by_role("link", name="Choose…").click()
    page.get_by_role("combobox", name="Assignee").select_option("bob")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".assignee")).to_contain_text("bob")
    context.close()


def test_it_is_accessible_in_light_and_dark(page: Page) -> None:
    open_ann(page, "alice")
    address = page.url
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Story so far")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_text("What did the user mean?")).to_be_visible()
    look(page, "reading-at")
    page.goto(address)
    expect(page.locator("#list-column a").first).to_be_visible()
    page.get_by_role("link", name="Choose…").click()
    expect(page.get_by_role("combobox", name="Assignee")).to_be_visible()
    page.get_by_role("link", name="Show image").click()
    look(page, "reading")
    for name, part in {"forget": "forget/", "assign": "assign/"}.items():
        page.goto(address.split("?")[0] + part)
        look(page, f"reading-{name}")
