"""Whatever plan is chosen, the page is what looking at each conversation in turn would find."""

import itertools

import pytest
from django.http import QueryDict

from events.models import Conversation
from rasax.conversations import finding
from rasax.conversations.filters import Filters, Position
from rasax.conversations.finding import Finding
from rasax.conversations.menus import Menus
from rasax.conversations.models import Review
from tests.rasa import message, said

INTENTS = ["greet", "greet", "greet", "order", "order", "rare"]
CHANNELS = ["rest", "rest", "slack"]


@pytest.fixture
def many(db):
    messages = []
    for n in range(90):
        sender, time = f"s{n}", float(1000 + n // 3)
        words = f"hello {'pizza' if n % 7 == 0 else 'there'}"
        intent, channel = INTENTS[n % 6], CHANNELS[n % 3]
        confidence = (n % 10) / 10
        messages.append(
            said(words, sender_id=sender, timestamp=time, intent=intent, channel=channel, confidence=confidence)
        )
        if n % 4 == 0:
            messages.append(message(sender, "action", time - 0.5, name="utter_hello", policy="P", confidence=1.0))
    Conversation.objects.record(messages)
    Review.objects.mark(Conversation.objects.filter(n_events=2), "reviewed", None)


def matches(conversation, query):
    n = int(conversation.sender_id[1:])
    checks = {
        "intent": lambda value: INTENTS[n % 6] == value,
        "channel": lambda value: CHANNELS[n % 3] == value,
        "action": lambda value: n % 4 == 0,
        "status": lambda value: (n % 4 == 0) == (value == "reviewed"),
        "q": lambda value: value == "hello" or (n % 7 == 0) == (value == "pizza"),
        "confidence": lambda value: (n % 10) / 10 <= float(value),
    }
    return all(any(checks[name](value) for value in values) for name, values in query.lists())


QUERIES = [
    "",
    "intent=greet",
    "intent=rare",
    "intent=greet&intent=rare",
    "intent=order&channel=slack",
    "intent=rare&channel=rest",
    "intent=greet&action=utter_hello&q=hello",
    "status=unread",
    "status=reviewed&intent=order",
    "status=unread&q=pizza",
    "q=hello",
    "confidence=0.3",
    "confidence=0.3&intent=greet",
]
# How rare is rare, and how far to walk: everything by intersection, everything by walking, and the two in turn.
PLANS = [(5_000, 5_000), (0, 5_000), (0, 3), (20, 10)]


@pytest.mark.parametrize(("query", "plan"), list(itertools.product(QUERIES, PLANS)))
def test_every_plan_finds_the_same(many, monkeypatch, query, plan):
    rare, walk = plan
    monkeypatch.setattr(finding, "RARE", rare)
    monkeypatch.setattr(finding, "WALK", walk)
    asked = QueryDict(query)
    filters = Filters.read(asked)
    found = Finding.plan(filters, Menus.load(filters))
    newest_first = [each for each in Conversation.objects.all() if matches(each, asked)]
    places = [Position(each.latest_event_time, each.pk) for each in newest_first]
    assert found.page(10) == newest_first[:10]
    for index in range(0, len(places), 11):
        assert found.page(10, before=places[index]) == newest_first[index + 1 : index + 11]
        assert found.page(3, after=places[index]) == newest_first[max(index - 3, 0) : index][::-1]
