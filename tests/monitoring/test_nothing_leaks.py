"""Secrets and texts are sent through every door, also to what fails; the log of a deployment has none of them."""

import json
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from tests.deployment import Deployment
from tests.rasa import said
from tests.servers.process import free_port
from tests.web import Web

pytestmark = pytest.mark.once

SAID, NO_EVENT = "my-card-is-4711", "my-pin-is-0815"  # what people say
SENDER = "anna-0049-170"
PASSWORD, TOKEN, TICKET, INVITATION = "open-sesame-1", "api-token-2", "ticket-3", "guest-link-4"
BROKER_PASSWORD = "broker-pa55-5"
SECRETS = (SAID, NO_EVENT, SENDER, PASSWORD, TOKEN, TICKET, INVITATION, BROKER_PASSWORD)


def ask(web, path, cookie="", body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    headers |= {"Cookie": cookie, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{web.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def publish(deployment, *bodies):
    with Path(urlsplit(deployment.environment["EVENT_BROKER_URL"]).path).open("ab") as log:
        log.write(b"".join(body + b"\n" for body in bodies))


def go_through_every_door(deployment, web):
    cookie = web.sign_in("admin")
    publish(deployment, said(SAID, sender_id=SENDER).body, json.dumps({"event": "user", "text": NO_EVENT}).encode())
    deployment.wait_for_events(1)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(web, f"/conversations/?q={SAID}", cookie) == 200
    assert ask(web, f"/api/conversations/{SENDER}", cookie) == 200
    assert ask(web, "/api/auth", body={"username": "alice", "password": PASSWORD}) == 401
    assert ask(web, f"/api/conversations?token={TOKEN}", **bearer) == 401
    assert ask(web, f"/guest/{INVITATION}") in {404, 410}
    assert ask(web, f"/nowhere/{INVITATION}?ticket={TICKET}") == 404
    with pytest.raises(Exception, match="403"), connect(f"{web.socket_url}?ticket={TICKET}"):
        pass
    # What fails, with its traceback: a page and the API's operation whose table is gone, and then the event service.
    with sqlite3.connect(urlsplit(deployment.database_url).path, timeout=20) as connection:
        connection.execute("ALTER TABLE events_event RENAME TO gone")
    assert ask(web, f"/conversations/1/?q={SAID}", cookie) == 500
    assert ask(web, f"/api/conversations/{SENDER}?token={TOKEN}", cookie) == 400
    assert ask(web, f"/api/conversations/{SENDER}", cookie) == 500
    publish(deployment, said(SAID, sender_id=SENDER, timestamp=2.0).body)
    deployment.wait_until(lambda: "the event service cannot work" in deployment.log(), "failing event service")


def test_the_log_is_json_and_has_no_secret_and_nothing_that_was_said(tmp_path):
    options = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "RASAX_URL": "http://rasax:5002"}
    with Deployment(
        f"sqlite:///{tmp_path / 'db.sqlite3'}", f"file://{tmp_path / 'events.log'}", **options
    ) as deployment:
        (tmp_path / "events.log").touch()
        with Web(deployment) as web:
            deployment.start("manage.py", "consume_events")
            go_through_every_door(deployment, web)
        deployment.environment["EVENT_BROKER_URL"] = f"amqp://rasax:{BROKER_PASSWORD}@127.0.0.1:{free_port()}//"
        deployment.start("manage.py", "consume_events")
        deployment.wait_until(lambda: "RabbitMQ at 127.0.0.1" in deployment.log(), "unreachable broker")
        log = "".join(path.read_text() for path in deployment.folder.glob("*.log"))
    lines = [json.loads(line) for line in log.splitlines()]
    assert [secret for secret in SECRETS if secret in log] == []
    assert {line["service"] for line in lines} == {"web", "event-service"}
    assert {"/conversations/", "/conversations/<int:pk>/", "no such path"} <= {line.get("path") for line in lines}
    assert sum("Traceback" in line.get("exception", "") or "File" in line.get("exception", "") for line in lines) >= 2
    assert all(len(line["request_id"]) == 32 for line in lines if line["logger"] == "rasax.access")
