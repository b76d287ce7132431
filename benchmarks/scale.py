"""The pages at scale: `python -m benchmarks.scale 1000000 10000000 [--sqlite]`, numbers of events.

Each list and search over HTTP: median and p95 in milliseconds, queries, and how that compares with the smaller crowd.
"""

from __future__ import annotations

import gzip
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import crowd, interaction
from benchmarks.ending import end_in_order
from benchmarks.pages import COUNT_QUERIES
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.web import Web

REQUESTS = 40
COMMON, FREQUENT, SELDOM, RARE = "intent_000", "intent_005", "intent_060", "intent_119"
FILTERS: dict[str, dict[str, object]] = {
    "all": {},
    "all, page 1,000": {"page": 1000},
    "all, oldest first": {"order": "oldest"},
    "least confident first": {"order": "confidence"},
    "common intent": {"intent": COMMON},
    "common intent, page 1,000": {"intent": COMMON, "page": 1000},
    "rare intent": {"intent": RARE},
    "action": {"action": f"utter_{FREQUENT}"},
    "slot": {"slot": "order_number"},
    "slot value": {"slot_value": 'order_number="4242"'},
    "policy": {"policy": "RulePolicy"},
    "channel": {"channel": "voice"},
    "environment": {"environment": "production"},
    "model": {"model": "model0"},
    "hours": {"hours": "22-6"},
    "dates": {"since": "2020-09-14", "until": "2020-09-20"},
    "status reviewed": {"status": "reviewed"},
    "status unread": {"status": "unread"},
    "flagged": {"flagged": 1},
    "rare tag": {"tag": "legal"},
    "20 messages or more": {"messages_min": 20},
    "50 messages or more": {"messages_min": 50},
    "confidence at most 0.06": {"confidence": 0.06},
    "confidence at least 0.99": {"confidence_min": 0.99},
    "sender": {"sender": "user-77"},
    "two intents that exclude": {"intent": SELDOM, "action": "utter_intent_061"},
    "intent, channel, reviewed": {"intent": COMMON, "channel": "telegram", "status": "reviewed"},
    "unread, unsure, a week": {"status": "unread", "confidence": 0.3, "since": "2020-09-14", "until": "2020-09-20"},
    "common and rare": {"channel": "rest", "tag": "legal"},
    "intent and word": {"intent": FREQUENT, "q": crowd.COMMON_WORDS[0]},
    "rare word": {"q": crowd.RARE_WORD},
    "common word": {"q": crowd.COMMON_WORDS[0]},
    "three common words": {"q": " ".join(crowd.COMMON_WORDS)},
    "nobody's word": {"q": "aardvark"},
}

CONVERSATIONS = {
    "a short conversation": crowd.PAGE_ONE + 1,
    f"{crowd.PAGE} turns": crowd.PAGE_ONE,
    f"{crowd.LONG:,} events": crowd.LONG_ONE,
}

TAGGED = 100_000
TAG = f"""
import time
from events.models import Conversation
from rasax.conversations.models import Tag
tag = Tag.objects.called("benchmark")
pks = list(Conversation.objects.order_by("pk").values_list("pk", flat=True)[:{TAGGED}])
started = time.perf_counter()
for first in range(0, len(pks), 1000):
    tag.put_on(Conversation.objects.filter(pk__in=pks[first : first + 1000]), None)
print(len(pks), time.perf_counter() - started)
"""

Times = dict[str, tuple[float, float, int]]


def measure(deployment: Deployment) -> Times:
    """Median and p95 in milliseconds, and queries, by what is asked for."""
    with Web(deployment) as web:
        cookie = web.sign_in("annotator")
        times = {name: _list(web, deployment, cookie, asked) for name, asked in FILTERS.items()}
        for name, pk in CONVERSATIONS.items():
            times[name] = _timed(web, deployment, cookie, f"/conversations/{pk}/")
    return times


def _list(web: Web, deployment: Deployment, cookie: str, asked: dict[str, object]) -> tuple[float, float, int]:
    asked = dict(asked)
    if page := asked.pop("page", 0):
        asked["before"] = f"{_place(deployment, 50 * int(str(page)))}_0"
    return _timed(web, deployment, cookie, f"/conversations/?{urlencode(asked, doseq=True)}")


def _place(deployment: Deployment, number: int) -> float:
    """Where the list stands after so many conversations."""
    newest = crowd.BEGAN + 100 * _conversations(deployment)
    return max(newest - 100 * number, crowd.BEGAN)


def _conversations(deployment: Deployment) -> int:
    script = "from events.models import Conversation; print(Conversation.objects.count())"
    return int(deployment.manage("shell", "-c", script).stdout.split()[-1])


def _timed(web: Web, deployment: Deployment, cookie: str, path: str) -> tuple[float, float, int]:
    times = []
    for number in range(-3, REQUESTS):
        started = time.perf_counter()
        with urllib.request.urlopen(_request(web, cookie, path), timeout=120) as answer:
            answer.read()
        if number >= 0:
            times.append(1000 * (time.perf_counter() - started))
    queries = int(deployment.manage("shell", "-c", COUNT_QUERIES.format(path=path)).stdout.split()[-1])
    return statistics.median(times), statistics.quantiles(times, n=20)[-1], queries


def _request(web: Web, cookie: str, path: str) -> urllib.request.Request:
    return urllib.request.Request(web.url + path, headers={"Cookie": cookie})


def weight(deployment: Deployment) -> int:
    """Bytes of the list page, compressed."""
    with (
        Web(deployment) as web,
        urllib.request.urlopen(_request(web, web.sign_in("annotator"), "/conversations/"), timeout=60) as answer,
    ):
        return len(gzip.compress(answer.read()))


def tag_many(deployment: Deployment) -> str:
    """As the job does it: a thousand at a time, each a transaction."""
    number, seconds = deployment.manage("shell", "-c", TAG).stdout.split()[-2:]
    return f"{int(number):,} conversations tagged in {float(seconds):.1f} s"


def show(sizes: list[int], *, sqlite: bool) -> None:
    measured: list[Times] = []
    with tempfile.TemporaryDirectory() as folder, PostgresServer(shared_buffers="2GB") as postgres:
        for size in sizes:
            url = f"sqlite:///{Path(folder) / f'{size}.sqlite3'}" if sqlite else postgres.create_database(f"c{size}")
            with Deployment(url) as deployment:
                print(f"{crowd.fill(url, size):,} events in {size // crowd.EVENTS_EACH:,} conversations", flush=True)
                measured.append(measure(deployment))
                for done, (median, p95) in interaction.measure(deployment).items():
                    print(f"  {done:60} {median:4.0f} ms, p95 {p95:.0f} ms", flush=True)
                print(f"The list page is {weight(deployment):,} bytes, compressed; {tag_many(deployment)}", flush=True)
    for name in measured[0]:
        figures = "".join(f"{times[name][0]:8.0f} {times[name][1]:6.0f} ms {times[name][2]:3} q" for times in measured)
        print(f"  {name:28}{figures}   {measured[-1][name][0] / measured[0][name][0]:.2f} times")


if __name__ == "__main__":
    end_in_order()
    random.seed(7)
    show([int(word) for word in sys.argv[1:] if word.isdecimal()] or [1_000_000], sqlite="--sqlite" in sys.argv)
