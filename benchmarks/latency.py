"""From publishing an event to seeing its text in an open page, in a real browser, under load."""

from __future__ import annotations

import statistics
import threading
import time

from playwright.sync_api import Page, sync_playwright

from events import brokers
from events.brokers.base import EventBroker
from tests.browser import launch
from tests.deployment import Deployment
from tests.rasa import replied, said
from tests.web import Web

PER_SECOND = 200
MARKED = 60

WATCH = """
() => {
  window.seen = {};
  const look = () => {
    for (const found of document.body.innerText.matchAll(/marked-(\\d+)/g)) {
      window.seen[found[1]] ??= Date.now();
    }
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
}
"""


def measure(deployment: Deployment, url: str) -> tuple[float, float]:
    """Median and p95, in milliseconds."""
    broker = brokers.from_url(url)
    broker.publish(said("hello", sender_id="watched", timestamp=time.time()).body)
    worker = deployment.start_worker()
    with Web(deployment) as web, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context()
        name, _, value = web.sign_in("annotator").partition("=")
        context.add_cookies([{"name": name, "value": value, "url": web.url}])
        published, seen = _watch(context.new_page(), web, deployment, broker)
        browser.close()
    deployment.kill(worker)
    times = [seen[number] - at for number, at in published.items() if number in seen]
    if len(times) < MARKED:
        print(f"  {MARKED - len(times)} of {MARKED} marked messages were not seen in time")
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def _watch(
    page: Page, web: Web, deployment: Deployment, broker: EventBroker
) -> tuple[dict[str, float], dict[str, float]]:
    pk = "SELECT id FROM events_conversation WHERE sender_id = 'watched'"
    deployment.wait_until(lambda: bool(deployment.ask(pk)), "watched conversation")
    page.goto(f"{web.url}/conversations/{deployment.ask(pk)[0][0]}/")
    page.evaluate(WATCH)
    page.wait_for_timeout(2000)
    published: dict[str, float] = {}
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(deployment.environment["EVENT_BROKER_URL"], stop))
    load.start()
    for number in range(MARKED):
        published[str(number)] = 1000 * time.time()
        broker.publish(replied(f"marked-{number}", sender_id="watched", timestamp=time.time()).body)
        page.wait_for_timeout(250)
    page.wait_for_timeout(2000)
    stop.set()
    load.join()
    return published, page.evaluate("window.seen")


def _load(url: str, stop: threading.Event) -> None:
    """The rest of the assistant's traffic, in other conversations."""
    broker = brokers.from_url(url)
    started, number = time.monotonic(), 0
    while not stop.is_set():
        number += 1
        broker.publish(said("noise", sender_id=f"noise-{number % 50}", timestamp=time.time()).body)
        time.sleep(max(0, started + number / PER_SECOND - time.monotonic()))
    print(f"  load: {number / (time.monotonic() - started):.0f} events/s")
    broker.close()
