"""What a page does that it must not. The hostile texts are read through this, and so is the page that proves it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request

SAY_VIOLATIONS = (
    "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
)
OUR_OWN = {"data", "blob", "about"}  # schemes of addresses that nobody else is asked for


def new_page(context: Browser | BrowserContext) -> Page:
    """One that says when its content security policy stopped something."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.add_init_script(SAY_VIOLATIONS)
    return page


@contextmanager
def watching(page: Page, origin: str, allowed: Collection[str] = ()) -> Iterator[list[str]]:
    """Dialogs, errors, warnings, violations of the policy and requests to elsewhere than `origin`, as they happen.
    What the browser says about `allowed` paths is left out."""
    found: list[str] = []

    def asked(request: Request) -> None:
        if urlsplit(request.url).scheme not in OUR_OWN and not request.url.startswith(f"{origin}/"):
            found.append(f"{page.url} asked for {request.url}")

    def said(kind: str, text: str, about: str) -> None:
        if kind in {"error", "warning"} and urlsplit(about).path not in allowed:
            found.append(f"{page.url} said: {text}")

    handlers = {
        "dialog": lambda dialog: (found.append(f"{page.url} opened a dialog: {dialog.message}"), dialog.dismiss()),
        "request": asked,
        "console": lambda line: said(line.type, line.text, line.location["url"]),
        "pageerror": lambda error: found.append(f"{page.url} failed: {error}"),
    }
    for event, handler in handlers.items():
        page.on(event, handler)
    try:
        yield found
    finally:
        for event, handler in handlers.items():
            page.remove_listener(event, handler)
