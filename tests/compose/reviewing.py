"""The first administrator of a composed deployment, in a real browser that knows only nginx."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, expect, sync_playwright

from events import brokers
from events.brokers.base import BrokerUnavailable
from tests.browser import launch
from tests.compose.plain import PlainCompose
from tests.rasa import said

SEEN_WITHIN = 40_000  # ms; the socket tries again after 15 s at most, and what serves pages must come back before
FOUND = re.compile(r"Sign in as (\S+) with the password (\S+)")


class Reviewer:
    """`page` is the list of conversations, which is loaded once and lives on by its WebSocket."""

    def __init__(self, running: PlainCompose, service: str) -> None:
        self.running = running
        self.url = f"http://127.0.0.1:{running.composed.ports['nginx']}"
        told = running.run(service, "python", "manage.py", "create_first_admin")
        found = FOUND.search(told) or FOUND.search((running.composed.folder / f"{service}.log").read_text())
        assert found
        self.name, self.password = found.groups()
        self.broker = brokers.from_url(running.composed.secret("rabbitmq_url").read_text())

    @contextmanager
    def at_work(self) -> Iterator[Reviewer]:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            self.page = browser.new_page(base_url=self.url)
            self.page.set_default_timeout(SEEN_WITHIN)
            self._sign_in()
            yield self
            browser.close()
        self.broker.close()

    def _sign_in(self) -> None:
        self.page.goto("/accounts/login")
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(self.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/conversations/")
        self.is_live()

    def is_live(self) -> None:
        expect(self.page.locator("[data-live].on")).to_be_attached(timeout=SEEN_WITHIN)

    def sees(self, sender_id: str) -> float:
        """Publishes a conversation; how many seconds later its row is there, without anybody loading the page anew."""
        began = time.monotonic()
        self._publish(said(f"hello from {sender_id}", sender_id=sender_id, timestamp=time.time()).body)
        expect(self._row(sender_id)).to_be_visible(timeout=SEEN_WITHIN)
        return time.monotonic() - began

    def _publish(self, body: bytes) -> None:
        """Until the broker has it, as Rasa does."""
        while True:
            try:
                return self.broker.publish(body)
            except BrokerUnavailable:
                time.sleep(0.2)

    def reviews(self, sender_id: str) -> None:
        """By keys, on the list, until the answer is shown. Then they look up: rows do not move under who works."""
        row = self._row(sender_id)
        row.locator("a.row-link").focus()
        self.page.keyboard.press("e")
        expect(row.locator(".state.reviewed")).to_be_attached(timeout=SEEN_WITHIN)
        self.page.evaluate("document.activeElement.blur()")

    def _row(self, sender_id: str) -> Locator:
        sender = self.page.locator(".sender", has_text=re.compile(f"^{re.escape(sender_id)}$"))
        return self.page.locator("tr", has=sender)

    def asks(self, path: str, method: str = "GET") -> int:
        return self.page.request.fetch(path, method=method, headers={"Origin": self.url}).status
