"""Whatever plan is chosen, the page is what looking at each conversation in turn would find."""

import pytest
from django.http import QueryDict

from events.models import Conversation
from rasax.conversations import finding
from rasax.conversations.filters import Filters
from rasax.conversations.finding import Finding, Order
from rasax.conversations.menus import Menus, most_frequent_values
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
        if n % 5 == 0:
            messages.append(message(sender, "slot", time - 0.7, name="size", value=n % 10))
    Conversation.objects.record(messages)
    Review.objects.mark(Conversation.objects.filter(facets__value="utter_hello"), "reviewed", None)


def matches(conversation, query):
    n = int(conversation.sender_id[1:])
    checks = {
        "intent": lambda value: INTENTS[n % 6] == value,
        "channel": lambda value: CHANNELS[n % 3] == value,
        "action": lambda value: n % 4 == 0,
        "status": lambda value: (n % 4 == 0) == (value == "reviewed"),
        "q": lambda value: value == "hello" or (n % 7 == 0) == (value == "pizza"),
        "confidence": lambda value: (n % 10) / 10 <= float(value),
        "confidence_min": lambda value: (n % 10) / 10 >= float(value),
        "sender": conversation.sender_id.startswith,
        "slot_value": lambda value: n % 5 == 0 and value == f"size={n % 10}",
        "messages_min": lambda value: int(value) <= 1,
        "start": lambda value: conversation.latest_event_time >= float(value),
        "stop": lambda value: conversation.latest_event_time <= float(value),
        "order": lambda value: True,
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
    "confidence_min=0.4&confidence=0.6",
    "sender=s1",
    "sender=s1&q=pizza",
    "slot_value=size%3D5&channel=rest",
    "messages_min=1&intent=order",
    "messages_min=2",
    "start=1004&stop=1020&intent=greet",
]
ORDERS = {
    "newest": lambda each: (-each.latest_event_time, -each.pk),
    "oldest": lambda each: (each.latest_event_time, each.pk),
    "confidence": lambda each: (each.minimum_intent_confidence, each.pk),
}
# How rare is rare, and how far to walk: everything by intersection, everything by walking, and the two in turn.
PLANS = [(5_000, (5_000,)), (0, (5_000,)), (0, (3, 7)), (20, (10,))]


@pytest.fixture(params=PLANS)
def plan(request, monkeypatch):
    rare, walks = request.param
    monkeypatch.setattr(finding, "RARE", rare)
    monkeypatch.setattr(finding, "WALKS", walks)


def finding_of(query, order="newest"):
    filters = Filters.read(QueryDict(f"{query}&order={order}"))
    return Finding.plan(filters, Menus.load(filters))


def asked_for(query, order="newest"):
    matching = [each for each in Conversation.objects.all() if matches(each, QueryDict(query))]
    by = Order.of(Filters.read(QueryDict(f"order={order}")))
    return finding_of(query, order), sorted(matching, key=ORDERS[order]), by


@pytest.mark.parametrize("order", ORDERS)
def test_every_plan_finds_the_same(many, plan, order):
    for query in QUERIES:
        found, expected, by = asked_for(query, order)
        places = [by.place(each) for each in expected]
        page = found.page if found else lambda *args, **place: []
        assert page(10) == expected[:10], query
        assert page(10, offset=15) == expected[15:25], query
        for index in range(0, len(places), 23):
            assert page(10, before=places[index]) == expected[index + 1 : index + 11], query
            assert page(3, after=places[index]) == expected[max(index - 3, 0) : index][::-1], query


@pytest.mark.parametrize("query", QUERIES)
def test_all_that_match_are_counted_and_each_comes_once(many, plan, query):
    found, expected, _ = asked_for(query)
    assert (found.count() if found else 0) == len(expected)
    assert (found.count(at_most=7) if found else 0) == min(len(expected), 7)
    chunks = list(found.chunks(size=4)) if found else []
    assert [pk for chunk in chunks for pk in chunk] == sorted(each.pk for each in expected)
    assert all(len(chunk) == 4 for chunk in chunks[:-1])


def test_least_confident_first_leaves_out_where_nothing_was_predicted(db):
    Conversation.objects.record([message("silent", "action", name="utter_hello"), said("hi", sender_id="ann")])
    found = finding_of("", "confidence")
    assert [each.sender_id for each in found.page(10)] == ["ann"]
    assert found.count() == 1


def test_hours_are_those_of_the_site(db, settings):
    settings.TIME_ZONE = "Asia/Kolkata"  # five hours and a half ahead
    morning = 1_700_000_000 // 86400 * 86400 + 4 * 3600  # 9:30 there
    Conversation.objects.record([said("hi", sender_id="ann", timestamp=float(morning))])
    assert finding_of("hours=9-10").count() == 1
    assert finding_of("hours=22-9") is None
    filters = Filters.read(QueryDict("hours=22-6"))
    assert dict(filters.pairs()) == {"hours": "22-6"}
    hours = Menus.load(filters).hours
    assert hours.index(1) in (9, 10)
    assert sum(hours) == 1


def test_whom_nobody_is_assigned_to_and_what_nobody_corrected(many):
    Conversation.objects.filter(sender_id__in=["s1", "s2"]).link("assignee", "7")
    Conversation.objects.filter(sender_id="s3").link("annotation", "corrected")
    assert finding_of("assignee=none").count() == 88
    assert finding_of("assignee=7").count() == 2
    assert finding_of("annotation=none").count() == 89
    assert [each.sender_id for each in finding_of("annotation=corrected").page(9)] == ["s3"]
    assert Filters.read(QueryDict("assignee=me")).for_reader(7).chosen("assignee") == ("7",)


def test_a_slots_most_frequent_values(many):
    assert [choice.value for choice in most_frequent_values("size")] == ["size=0", "size=5"]
