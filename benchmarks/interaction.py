"""From a key to the frame that shows what it did, on the list, in a real browser."""

from __future__ import annotations

import statistics

from playwright.sync_api import Page, sync_playwright

from tests.browser import launch
from tests.deployment import Deployment
from tests.web import Web

TIMES = 30
KEYS = {"next row (J)": "j", "select (X)": "x", "sheet of keys (?)": "?", "palette (Ctrl+K)": "Control+k"}
REVIEW = "reviewed and next (E), until the server's answer is shown"

# The browser's own measure, from the key to the next frame. It tells of none that took less than 16 ms.
OBSERVE = """
() => {
  window.durations = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") window.durations.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
}
"""
# The first frame after one more row is shown as reviewed.
WATCH = """
() => {
  const reviewed = () => document.querySelectorAll("tbody .state.reviewed").length;
  let pressed, before;
  window.answers = [];
  document.addEventListener("keydown", () => { pressed = performance.now(); before = reviewed(); }, true);
  new MutationObserver(() => {
    if (pressed === undefined || reviewed() <= before) return;
    const since = pressed;
    pressed = undefined;
    requestAnimationFrame(() => setTimeout(() => window.answers.push(performance.now() - since)));
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}
"""


def measure(deployment: Deployment) -> dict[str, tuple[float, float]]:
    """Median and p95 in milliseconds, by what is done."""
    with Web(deployment) as web, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(bypass_csp=True)  # for wait_for_function
        name, _, value = web.sign_in("annotator").partition("=")
        context.add_cookies([{"name": name, "value": value, "url": web.url}])
        page = context.new_page()
        times = {name: _painted(page, web, key) for name, key in KEYS.items()}
        times[REVIEW] = _answered(page, web)
        browser.close()
    return {name: (statistics.median(each), statistics.quantiles(each, n=20)[-1]) for name, each in times.items()}


def _painted(page: Page, web: Web, key: str) -> list[float]:
    page.goto(f"{web.url}/conversations/")
    page.evaluate(OBSERVE)
    for _ in range(TIMES):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        if key in "?Control+k":
            page.evaluate("document.querySelector('dialog[open]').close()")
    told: list[float] = page.evaluate("window.durations")
    return [*told, *[16.0] * (TIMES - len(told))]


def _answered(page: Page, web: Web) -> list[float]:
    page.goto(f"{web.url}/conversations/")
    page.evaluate(WATCH)
    page.keyboard.press("j")
    for number in range(1, TIMES + 1):
        while page.evaluate("document.activeElement.closest('tr').querySelector('.state.reviewed') !== null"):
            page.keyboard.press("j")
        page.keyboard.press("e")
        page.wait_for_function(f"window.answers.length === {number}", timeout=10_000)
    answers: list[float] = page.evaluate("window.answers")
    return answers
