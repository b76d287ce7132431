"""People who speak to the API with a JWT, and conversations of every kind."""

import json

import pytest
from django.core.cache import cache
from django.test import Client

from events.brokers.base import Message
from events.models import Conversation
from rasax.accounts.api.authentication import issue
from tests.rasa import message, recorded, replied, said

DEEP = '{"sender_id": "ann", "event": "deep", "timestamp": 5.0, "x": ' + "[" * 400 + "]" * 400 + "}"
NOT_A_NUMBER = '{"sender_id": "ann", "event": "odd", "timestamp": 6.0, "x": NaN, "y": 1e999, "z": "\\ud800"}'


class Api(Client):
    """Everything is JSON, there and back."""

    def __init__(self, user=None, **kwargs):
        headers = {"authorization": f"Bearer {issue(user)}"} if user else {}
        super().__init__(headers=headers, raise_request_exception=False, **kwargs)

    def send(self, method, path, body=None, **query):
        address = f"/api/{path}"
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.generic(method, address, query_params=query, **sent)

    def ask(self, path, **query):
        return self.send("GET", path, **query)


@pytest.fixture(autouse=True)
def unhurried(settings):
    """As often as a test likes."""
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = {"person": 10**6, "anonymous": 10**6, "auth": 10**6}


@pytest.fixture
def api(alice):
    return Api(alice)


@pytest.fixture
def conversations(db):
    """The recorded ones, and Ann's, which has all that is hard to show."""
    odd = [
        said("hello\ud800", timestamp=1.0, entities=[{"entity": "city", "value": "Rome"}]),
        replied("hi", timestamp=2.0),
        message(event="action", timestamp=3.0, name="action_listen", policy="RulePolicy", confidence=0.5),
        message(event="slot", timestamp=4.0, name="city", value={"a": [1]}),
        Message(DEEP.encode()),
        Message(NOT_A_NUMBER.encode()),
        said("bye", timestamp=7.0, intent="goodbye", confidence=0.2),
    ]
    Conversation.objects.record([*recorded(), *odd])
    return Conversation.objects.all()
