"""Pages that escape nothing: what watches the real pages for hostile texts has to notice it there."""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Error

from tests.e2e.conftest import ROOT, Site
from tests.e2e.hostile import ELSEWHERE, PAYLOADS
from tests.e2e.watching import new_page, watching

pytestmark = pytest.mark.e2e

HTMX = (ROOT / "static" / "vendor" / "htmx.min.js").read_bytes()
UNSAFE = """<!doctype html><title>Unsafe</title><link rel="icon" href="data:,">
<meta name="htmx-config" content='{{"includeIndicatorStyles":false}}'><script src="/htmx.js"></script>
<p>{0}</p><input value="{0}"><input value='{0}'><iframe src="{0}"></iframe><img src="relative.png">"""
HARMLESS = "A large pizza, please"
# By the payload's number. What a page that only forgets to escape does not run: a click does, templates that read it
# again, sanitizers and old browsers.
FOR_OTHERS = {14, 24, 29, 30, 31, 36, 39}
STOPPED = {36, 39}  # of these, what the policy names before anything runs it
EVERY = set(range(1, len(PAYLOADS) + 1))
ASKING = {4, 10, 32, 33, 34, 35}
REFUSED = {21, 40}  # by the browser, and by htmx, which say so
LED_AWAY = {34}  # by a refresh, which no policy stops
DIALOG, ASKED, VIOLATION = " opened a dialog: ", f" asked for http://{ELSEWHERE}/", " said: CSP "
DUE = {
    "open": {DIALOG: EVERY - FOR_OTHERS - ASKING - REFUSED, ASKED: ASKING},
    "strict": {DIALOG: set[int](), VIOLATION: EVERY - (FOR_OTHERS - STOPPED) - LED_AWAY - {40}},
}
SILENT = {"open": {0} | FOR_OTHERS, "strict": {0} | FOR_OTHERS - STOPPED}


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A page that is left lets go of what it had asked for."""


class UnsafePages:
    """One for each payload, by its number, as /open/1 and, with the policy of the real pages, as /strict/1."""

    def __init__(self, policy: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, mode, *rest = self.path.split("/")
                kind, body = "text/html; charset=utf-8", b""
                if mode == "htmx.js":
                    kind, body = "text/javascript", HTMX
                elif rest and rest[0].isdecimal():
                    body = UNSAFE.format([HARMLESS, *PAYLOADS][int(rest[0])]).encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                if body and mode == "strict":
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def unsafe(site: Site) -> Iterator[UnsafePages]:
    with urllib.request.urlopen(f"{site.url}/accounts/login") as answer:
        pages = UnsafePages(answer.headers["content-security-policy"])
    yield pages
    pages.server.shutdown()
    pages.server.server_close()


def noticed(browser: Browser, unsafe: UnsafePages, mode: str, number: int) -> list[str]:
    """What is noticed on a page; where something is due, there is time for it."""
    page = new_page(browser)
    due = next((what for what, numbers in DUE[mode].items() if number in numbers), "")
    with watching(page, unsafe.url) as found:
        page.goto(f"{unsafe.url}/{mode}/{number}", wait_until="commit")
        for _ in range(15 if number in SILENT[mode] else 500):
            if not any(due in line for line in found):
                page.wait_for_timeout(20)
        page.wait_for_timeout(50)
        page.close()
    return found


@pytest.fixture
def found(request: pytest.FixtureRequest, launch: Callable[[], Browser], unsafe: UnsafePages) -> dict[int, list[str]]:
    """What each page made be noticed, by the number of its text: 0 is the harmless one.

    In a browser of their own: over one of some thousand such pages Chromium itself fell, by a null pointer. What it
    falls over is asked once more, of a new one.
    """
    browser, found = launch(), dict[int, list[str]]()
    for number in range(len(PAYLOADS) + 1):
        try:
            found[number] = noticed(browser, unsafe, request.param, number)
        except Error:
            if browser.is_connected():
                raise
            browser = launch()
            found[number] = noticed(browser, unsafe, request.param, number)
    browser.close()
    return found


def check(found: dict[int, list[str]], mode: str) -> None:
    assert {number for number, lines in found.items() if not lines} == SILENT[mode]
    for what, due in DUE[mode].items():
        assert {number for number, lines in found.items() if any(what in line for line in lines)} == due, what


@pytest.mark.parametrize("found", ["open"], indirect=True)
def test_dialogs_and_requests_to_elsewhere_are_noticed_where_nothing_stops_them(found: dict[int, list[str]]) -> None:
    check(found, "open")


@pytest.mark.parametrize("found", ["strict"], indirect=True)
def test_what_the_policy_stops_is_noticed_as_a_violation_of_it(found: dict[int, list[str]]) -> None:
    check(found, "strict")
