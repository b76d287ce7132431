"""From pressing send in a chat to the bot's answer painted, less Rasa's own time: a stand-in that takes a known one."""

from __future__ import annotations

import json
import statistics
import urllib.request

from playwright.sync_api import Page, sync_playwright

from benchmarks.ending import end_in_order
from events import brokers
from tests.browser import launch
from tests.deployment import Deployment
from tests.servers.rasa import RasaStandIn
from tests.web import Web

MESSAGES = 60
RASA_TAKES = 0.1  # seconds

MAKE = """
from rasax.accounts.models import User
from rasax.chat.models import Chat
from rasax.deployment.models import RasaServer
server = RasaServer.objects.add(None, name="measured", url="{url}", use="production")
print(Chat.objects.begin(server, User.objects.get(username="admin")).pk)
"""

# Resolves two frames after the answer is in the document: by then it is painted.
SEND = """
() => new Promise((painted) => {
  const list = document.getElementById("transcript");
  const before = list.querySelectorAll(".said.bot").length;
  const field = document.querySelector("#composer [name=text]");
  field.value = "hello";
  const began = performance.now();
  const observer = new MutationObserver(() => {
    if (list.querySelectorAll(".said.bot").length === before) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => painted(performance.now() - began)));
  });
  observer.observe(list, { childList: true });
  field.form.requestSubmit();
})
"""


def measure(deployment: Deployment, url: str) -> list[float]:
    """Our share of each message's time, in milliseconds."""
    broker = brokers.from_url(url)
    worker = deployment.start_worker()
    with Web(deployment) as web, RasaStandIn() as rasa, sync_playwright() as playwright:
        rasa.takes = RASA_TAKES
        rasa.on_events = lambda name, events: [
            broker.publish(json.dumps({"sender_id": name, **event}).encode()) for event in events
        ]
        with urllib.request.urlopen(f"{web.url}/api/version") as answer:
            rasa.trusts(*(key["key"] for key in json.load(answer)["keys"]))
        browser = launch(playwright)
        times = _talk(browser.new_context().new_page(), web, rasa)
        browser.close()
    deployment.kill(worker)
    broker.close()
    return times


def _talk(page: Page, web: Web, rasa: RasaStandIn) -> list[float]:
    name, _, value = web.sign_in("admin").partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": web.url}])
    made = web.deployment.manage("shell", "-c", MAKE.format(url=rasa.url))
    page.goto(f"{web.url}/chat/{made.stdout.split()[-1]}/")
    page.wait_for_selector("[data-live].on")
    times = []
    for _ in range(MESSAGES + 5):
        times.append(page.evaluate(SEND) - 1000 * RASA_TAKES)
        page.wait_for_timeout(400)
    return times[5:]


def show(deployment: Deployment, url: str) -> None:
    print("From pressing send in a chat to the answer painted, less Rasa's own time:")
    times = measure(deployment, url)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"  median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, {min(times):.0f} to {max(times):.0f} ms")


if __name__ == "__main__":
    end_in_order()
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitMQServer
    from tests.servers.redis import RedisServer

    with PostgresServer() as postgres, RabbitMQServer() as rabbitmq, RedisServer() as redis:
        address = rabbitmq.new_vhost()
        more = {"REDIS_URL": redis.url, "ALLOW_PRIVATE_ADDRESSES": "1"}
        with Deployment(postgres.create_database("chat"), address, **more) as alone:
            show(alone, address)
