"""People come, get other rights, and go; and a second factor stands before the door."""

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site, sign_in

pytestmark = pytest.mark.e2e
WORDS = "quite-other-words"


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238), for some seconds more."""
    if (left := 30 - time.time() % 30) < 5:
        time.sleep(left)
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_label(re.compile(f"^{label.replace('_', ' ')}:?$")).fill(text)
    page.keyboard.press("Enter")


def test_somebody_is_invited_gets_another_role_and_is_put_out(
    site: Site, page: Page, context: BrowserContext, axe: Callable[[], list[str]]
) -> None:
    sign_in(page, "alice")
    page.goto("/settings/invitations/")
    page.get_by_label("tester").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#link").inner_text()
    assert axe() == []

    other = context.browser.new_context(base_url=site.url)
    guest = other.new_page()
    guest.goto(link)
    fill(guest, Username="nora", Password=WORDS, Password_confirmation=WORDS)
    guest.wait_for_url("**/accounts/")
    assert guest.goto("/conversations/").status == 403

    page.goto("/settings/people/")
    assert axe() == []
    page.get_by_role("link", name="nora").click()
    page.get_by_label("annotator").check()
    page.get_by_role("button", name="Save the roles").click()
    expect(page.get_by_text("The roles of nora are changed.")).to_be_visible()
    assert axe() == []
    assert guest.goto("/conversations/").status == 200

    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("can no longer sign in")).to_be_visible()
    guest.goto("/conversations/")
    expect(guest).to_have_url(re.compile("/accounts/login"))
    fill(guest, Username="nora", Password=WORDS)
    expect(guest.get_by_role("alert")).to_be_visible()
    other.close()


def test_a_role_of_one_s_own_is_made_from_the_matrix(site: Site, page: Page, axe: Callable[[], list[str]]) -> None:
    sign_in(page, "alice")
    page.goto("/settings/roles/")
    assert axe() == []
    page.goto("/settings/roles/add/")
    page.get_by_label("Name").fill("reader")
    page.get_by_role("group", name="Conversations").get_by_label("See", exact=True).check()
    assert axe() == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="reader")).to_be_visible()
    expect(page.get_by_role("group", name="Conversations").get_by_label("See", exact=True)).to_be_checked()


def test_a_second_factor_is_set_up_and_asked_for(site: Site, page: Page, axe: Callable[[], list[str]]) -> None:
    sign_in(page)
    page.goto("/accounts/second-factor")
    secret = page.locator(".steps code").inner_text()
    assert axe() == []
    fill(page, Your_password="bob-secret-words", Code=code_of(secret))
    spare = page.locator(".codes code").first.inner_text()
    assert axe() == []

    for kept in (None, spare):
        page.context.clear_cookies()
        page.goto("/")
        fill(page, Username="bob", Password="bob-secret-words")
        page.wait_for_url("**/accounts/login/code")
        assert axe() == []
        fill(page, Code=kept or code_of(secret))
        page.wait_for_url("**/conversations/")
