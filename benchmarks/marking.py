"""From a key or a click to the frame that shows the entity marked, in a real browser.

`python -m benchmarks.marking` measures it alone, on SQLite.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import tests.environment  # noqa: F401 - says where databases are copied from
from benchmarks.ending import end_in_order
from tests.browser import launch
from tests.deployment import Deployment
from tests.web import Web

TIMES = 60
WORDS = 300  # of the long text, each fourth an entity
FILL = f"""
from rasax.training import intents
from rasax.training.intents import NewExample
long = " ".join("word" for _ in range({WORDS}))
marks = [dict(start=5 * at, end=5 * at + 4, entity="city") for at in range(0, {WORDS}, 4)]
short = [NewExample(f"fly from Rome to Paris on day {{n}}", [dict(start=9, end=13, entity="city")]) for n in range(99)]
intents.add_examples("fly", [*short, NewExample(long, marks)], None)
"""
# Resolves with the time from the input to the frame after the change; or, where nothing changes, to the next frame.
OBSERVE = """
(kind) => {
  window.painted = [];
  document.querySelector(".examples").addEventListener(kind, (event) => {
    requestAnimationFrame(() => setTimeout(() => window.painted.push(performance.now() - event.timeStamp)));
  }, true);
}
"""


def measure(deployment: Deployment) -> dict[str, list[float]]:
    """Milliseconds, by what is done."""
    deployment.manage("shell", "-c", FILL)
    with Web(deployment) as web, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context()
        name, _, value = web.sign_in("annotator").partition("=")
        context.add_cookies([{"name": name, "value": value, "url": web.url}])
        page = context.new_page()
        address = f"{web.url}/data/intent/?name=fly"
        times = {
            "a key that does nothing": _keys(page, address, 0, ("Shift",)),
            "marked by key": _keys(page, address, 0, ("1", "Backspace")),
            f"marked by key, {WORDS} words with {WORDS // 4} entities": _keys(page, address, -1, ("1", "Backspace")),
            "marked by click": _clicks(page, address),
        }
        browser.close()
    return times


def _open(page: Page, address: str, number: int, kind: str) -> None:
    page.goto(address)
    page.locator(".examples [data-edit]").nth(number).click()
    page.locator(".examples .marker-surface").focus()
    page.keyboard.press("Control+End" if number < 0 else "Control+Home")
    page.evaluate(OBSERVE, kind)


def _keys(page: Page, address: str, number: int, keys: tuple[str, ...]) -> list[float]:
    _open(page, address, number, "keydown")
    return [_after(page, lambda: page.keyboard.press(keys[turn % len(keys)])) for turn in range(TIMES)]  # noqa: B023


def _clicks(page: Page, address: str) -> list[float]:
    _open(page, address, 0, "click")
    button = page.locator(".examples [data-entity]").first
    times = []
    for _ in range(TIMES // 2):
        times.append(_after(page, button.click))
        page.keyboard.press("Backspace")
    return times


def _after(page: Page, act: Callable[[], None]) -> float:
    before = page.evaluate("window.painted.length")
    act()
    while page.evaluate("window.painted.length") == before:
        page.wait_for_timeout(5)
    told: float = page.evaluate("window.painted.at(-1)")
    return told


def show(database_url: str) -> None:
    with Deployment(database_url) as deployment:
        times = measure(deployment)
    idle = statistics.median(times["a key that does nothing"])
    print(
        f"Marking an entity, until it is painted, {TIMES} times: median, p95, and the median's ratio to an idle frame's"
    )
    for name, each in times.items():
        median, p95 = statistics.median(each), statistics.quantiles(each, n=20)[-1]
        print(f"  {name:50} {median:5.1f} ms {p95:5.1f} ms {median / idle:5.2f}")


if __name__ == "__main__":
    end_in_order()
    with tempfile.TemporaryDirectory() as folder:
        show(f"sqlite:///{Path(folder) / 'marking.sqlite3'}")
