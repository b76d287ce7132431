"""A deployment as docker/compose.yml describes it, of plain processes: a conversation flows in and is reviewed through
nginx, each service is killed in turn, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time

import httpx
import psycopg2
import pytest
from websockets.asyncio.client import connect

from events import brokers
from tests.chaos.harness import lost_and_doubled
from tests.chaos.publisher import Publisher
from tests.compose.plain import PlainCompose
from tests.compose.reading import Composed
from tests.rasa import said

pytestmark = pytest.mark.chaos

LONG = bool(os.environ.get("CHAOS_LONG"))
VICTIMS = ["event-service", "rasax", "nginx", "redis"]
MORE = ["postgres", "rabbitmq", "celery-worker", "celery-beat"]


class Reviewer:
    """The first administrator, in a browser that knows only nginx."""

    def __init__(self, running: PlainCompose, service: str) -> None:
        self.address = f"127.0.0.1:{running.composed.ports['nginx']}"
        told = running.run(service, "python", "manage.py", "create_first_admin")
        found = re.search(r"Sign in as (\S+) with the password (\S+)", told)
        self.name, self.password = found.groups() if found else _told_by_the_start(running)
        self.browser = httpx.Client(base_url=f"http://{self.address}", follow_redirects=True)

    def sign_in(self) -> None:
        page = self.browser.get("/accounts/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        sent = {"username": self.name, "password": self.password, "csrfmiddlewaretoken": token}
        answer = self.browser.post(str(page.url), data=sent, headers={"Origin": f"http://{self.address}"})
        assert answer.status_code == 200, answer.text

    def hears_of(self, event) -> list[str]:
        """The topics that change on the WebSocket when an event is published."""

        async def listen() -> list[str]:
            cookie = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
            headers = {"Cookie": cookie, "Origin": f"http://{self.address}"}
            async with connect(f"ws://{self.address}/api/ws", additional_headers=headers) as socket:
                await socket.send(json.dumps({"subscribe": ["conversations"]}))
                await asyncio.sleep(1)
                event()
                return json.loads(await asyncio.wait_for(socket.recv(), 20))["changed"]

        return asyncio.run(listen())

    def review(self, conversation: str) -> str:
        token = self.browser.post("/api/auth", json={"username": self.name, "password": self.password}).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        path = f"/api/conversations/{conversation}"
        done = self.browser.put(f"{path}/reviewStatus", json={"review_status": "reviewed"}, headers=headers)
        assert done.status_code == 204, done.text
        return self.browser.get("/api/conversations", params={"limit": 1}, headers=headers).json()[0]["review_status"]


def _told_by_the_start(running):
    log = (running.composed.folder / "all-in-one.log").read_text()
    return re.search(r"Sign in as (\S+) with the password (\S+)", log).groups()


class Kept:
    """The database, as the chaos tests ask it."""

    def __init__(self, running: PlainCompose) -> None:
        self.url = running.composed.secret("database_url").read_text()

    def ask(self, sql, *parameters):
        connection = psycopg2.connect(self.url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        finally:
            connection.close()


def a_conversation_is_reviewed(running: PlainCompose, service: str) -> None:
    reviewer = Reviewer(running, service)
    reviewer.sign_in()
    broker = brokers.from_url(running.composed.secret("rabbitmq_url").read_text())
    assert reviewer.hears_of(lambda: broker.publish(said("hi", sender_id="ann").body)) == ["conversations"]
    broker.close()
    assert "ann" in reviewer.browser.get("/conversations/").text
    assert reviewer.review("ann") == "reviewed"
    # What is Rasa's goes to the production Rasa, which this deployment has not.
    assert reviewer.browser.get("/core/version").status_code == 502
    assert reviewer.browser.post("/webhooks/rest/webhook", json={}).status_code == 502


def each_is_killed_and_comes_back(running: PlainCompose, names: list[str]) -> None:
    for name in names:
        began = time.monotonic()
        running.kill(name)
        if name != "celery-beat":
            running.wait_until(lambda name=name: running.is_healthy(name), f"healthy {name}")
        print(f"{name} works again after {time.monotonic() - began:.1f} s")


def test_the_separate_services_work_together_and_nothing_is_lost_when_they_are_killed(tmp_path):
    with PlainCompose(Composed(tmp_path, "separate")) as running:
        for name in ("postgres", "rasax", "event-service", *(["celery-worker"] if LONG else [])):
            running.wait_until(lambda name=name: running.is_healthy(name), f"healthy {name}")
        assert running.wait_until(lambda: running.processes["db-migration-service"].poll() == 0, "ended migration")
        a_conversation_is_reviewed(running, "rasax")
        with Publisher(running.composed.secret("rabbitmq_url").read_text()) as publisher:
            for _ in range(3 if LONG else 1):
                each_is_killed_and_comes_back(running, [*VICTIMS, *MORE] if LONG else VICTIMS)
        assert len(publisher.confirmed) > 100
        assert lost_and_doubled(Kept(running), publisher) == (set(), set())
        assert Kept(running).ask("SELECT status FROM conversations_review") == [("reviewed",)]
        assert running.restarts.keys() >= {"event-service", "rasax"}


@pytest.mark.skipif(not LONG, reason="make chaos")
def test_all_in_one_works_from_the_same_file(tmp_path):
    with PlainCompose(Composed(tmp_path, "all-in-one")) as running:
        running.wait_until(lambda: running.is_healthy("all-in-one"), "healthy all-in-one")
        a_conversation_is_reviewed(running, "all-in-one")
