"""A Rasa server that trusts us, and its events, which arrive when a test says so."""

import json

import pytest

from events.brokers.base import Message
from events.models import Conversation
from rasax.accounts.models import SigningKey
from rasax.chat.models import Chat
from rasax.deployment.models import RasaServer


@pytest.fixture
def server(rasa, alice):
    rasa.trusts(SigningKey.objects.current().public)
    return RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")


@pytest.fixture
def arrive(rasa):
    """What Rasa published since, recorded as an event service would; in the test's own thread."""
    published = []
    rasa.on_events = lambda conversation_id, events: published.extend((conversation_id, event) for event in events)

    def record():
        messages = [Message(json.dumps({"sender_id": name, **event}).encode()) for name, event in published]
        published.clear()
        return Conversation.objects.record(messages)

    return record


@pytest.fixture
def chat(server, carol):
    return Chat.objects.begin(server, carol)


@pytest.fixture
def pages(client, carol, chat):
    """Carol's browser, and what its script sends."""
    client.force_login(carol)

    def post(path, **fields):
        return client.post(f"/chat/{chat.pk}/{path}", fields, headers={"HX-Request": "true"})

    client.post_there = post
    return client
