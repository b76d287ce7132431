"""How fast the pages answer over HTTP when there is a lot to show, and with how many queries."""

from __future__ import annotations

import random
import statistics
import time
import urllib.request
from urllib.parse import urlencode

from tests.deployment import Deployment
from tests.web import Web

REQUESTS = 120
COUNT_QUERIES = """
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.contrib.auth import get_user_model
client = Client()
client.force_login(get_user_model().objects.get(username="annotator"))
client.get("{path}", HTTP_HOST="localhost")
with CaptureQueriesContext(connection) as queries:
    assert client.get("{path}", HTTP_HOST="localhost").status_code == 200
print(len(queries))
"""


def measure(deployment: Deployment) -> list[tuple[str, float, float, int]]:
    """For each kind of page: its name, median and p95 in milliseconds, and the number of queries."""
    with Web(deployment) as web:
        cookie = web.sign_in("annotator")
        return [
            (name, *_times(web, cookie, paths), _queries(deployment, paths[0]))
            for name, paths in _pages(deployment).items()
        ]


def _pages(deployment: Deployment) -> dict[str, list[str]]:
    ids = [pk for (pk,) in deployment.ask("SELECT id FROM events_conversation")]
    chance = random.Random(3)
    facets = deployment.ask("SELECT kind, value FROM events_facet WHERE kind = 'intent' ORDER BY n_conversations DESC")
    common, other = facets[0][1], facets[1][1]
    filters = {
        "list": [{}],
        "list, one intent": [{"intent": common}],
        "list, two intents": [{"intent": [common, other]}],
        "list, intent and channel": [{"intent": common, "channel": "telegram"}],
        "list, a slot": [{"slot": "order_number"}],
        "list, a common word": [{"q": "parcel"}],
        "list, three words": [{"q": "parcel thank week"}],
        "list, a word nobody said": [{"q": "xylophone"}],
    }
    pages = {name: [f"/conversations/?{urlencode(one, doseq=True)}" for one in some] for name, some in filters.items()}
    pages["conversation"] = [f"/conversations/{pk}/" for pk in chance.sample(ids, min(len(ids), REQUESTS))]
    return pages


def _times(web: Web, cookie: str, paths: list[str]) -> tuple[float, float]:
    times = []
    for number in range(-10, REQUESTS):
        request = urllib.request.Request(web.url + paths[number % len(paths)], headers={"Cookie": cookie})
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        if number >= 0:
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def _queries(deployment: Deployment, path: str) -> int:
    return int(deployment.manage("shell", "-c", COUNT_QUERIES.format(path=path)).stdout.split()[-1])
