"""What scripts for Rasa X ask, by its old paths, and what both of its generations answered."""

import pytest

from events.models import Conversation, Event, Facet
from rasax.accounts.models import AuditEntry
from rasax.conversations.models import Correction, Flag, Review, Tag
from tests.rasa import replied, said
from tests.rasax.api.conftest import Api

OLDER = {"sender_id", "latest_event_time", "latest_input_channel", "intents", "actions", "policies",
         "minimum_action_confidence", "n_user_messages", "flagged_messages", "unflagged_messages"}  # fmt: skip
NEWER = (OLDER - {"sender_id"}) | {"conversation_id", "review_status", "tags"}

# A parameter, and a sentence that is true of every conversation that it finds.
FILTERS = {
    "intent=goodbye": lambda item: "goodbye" in item["intents"],
    "intent=goodbye,greet": lambda item: {"goodbye", "greet"} & set(item["intents"]),
    "intent=goodbye&intent=greet": lambda item: {"goodbye", "greet"} & set(item["intents"]),
    "entity=city": lambda item: True,
    "action=action_listen": lambda item: "action_listen" in item["actions"],
    "slots=city": lambda item: True,
    "policies=RulePolicy": lambda item: "RulePolicy" in item["policies"],
    "text=hello": lambda item: True,
    "start=6.5&until=7": lambda item: 6.5 <= item["latest_event_time"] <= 7,
    "maximumConfidence=0.25": lambda item: item["minimum_intent_confidence"] <= 0.25,
    "minimumUserMessages=2": lambda item: item["n_user_messages"] >= 2,
    "is_flagged=true": lambda item: item["flagged_messages"],
    "is_flagged=True": lambda item: item["flagged_messages"],
    "review_status=reviewed": lambda item: item["review_status"] == "reviewed",
    "tags=billing": lambda item: "billing" in {tag["value"] for tag in item["tags"]},
    "channels=rest": lambda item: True,
    "environment=production": lambda item: "production" in item["environments"],
    "exclude_self=true": lambda item: item["sender_id"] != "alice",
    "sort_by_confidence=true": lambda item: True,
    "limit=1": lambda item: True,
}


@pytest.fixture
def marked(conversations, bob):
    ann = Conversation.objects.filter(sender_id="ann")
    Tag.objects.called("billing").put_on(ann, by=bob)
    Review.objects.mark(ann, Review.Status.REVIEWED, by=bob)
    Flag.objects.put_on(Event.objects.get(timestamp=7.0), by=bob)
    Correction.objects.correct(Event.objects.get(timestamp=7.0), "inform", bob)
    Conversation.objects.record([said("mine", sender_id="alice", timestamp=8.0)])


def test_a_script_signs_in_lists_and_reads(alice, marked):
    token = Api().send("POST", "auth", {"username": "alice", "password": "alice-secret-words"}).json()["access_token"]
    answer = Api().get("/api/conversations", headers={"authorization": f"Bearer {token}"})
    items = {item["conversation_id"]: item for item in answer.json()}
    assert answer["X-Total-Count"] == str(Conversation.objects.count())
    assert all(item.keys() >= OLDER | NEWER for item in items.values())
    ann = items["ann"]
    assert ann["sender_id"] == "ann"
    assert (ann["n_user_messages"], ann["flagged_messages"], ann["unflagged_messages"]) == (2, 1, 1)
    assert ann["minimum_action_confidence"] == 0.5
    assert [tag["value"] for tag in ann["tags"]] == ["billing"]
    assert (ann["review_status"], ann["reviewed_by"], ann["corrected_messages"]) == ("reviewed", "bob", 1)
    mine = items["alice"]
    assert (mine["review_status"], mine["reviewed_by"], mine["corrected_messages"]) == ("unread", None, 0)


@pytest.mark.parametrize("query", FILTERS)
def test_each_filter_of_the_list_finds_what_it_says(api, marked, query):
    answer = api.get(f"/api/conversations?{query}")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found
    assert all(FILTERS[query](item) for item in found)


def test_filters_find_nothing_where_nothing_matches(api, marked):
    for query in ("intent=none_such", "tags=none", "text=zebra", "start=9000000000", "minimumUserMessages=9999"):
        answer = api.get(f"/api/conversations?{query}")
        assert (answer.json(), answer["X-Total-Count"]) == ([], "0"), query


def test_pages_by_cursor_and_by_offset_are_the_same(api, marked):
    everything = [item["sender_id"] for item in api.ask("conversations", limit=100).json()]
    by_offset = [api.ask("conversations", limit=2, offset=n).json() for n in range(0, len(everything), 2)]
    assert [item["sender_id"] for page in by_offset for item in page] == everything
    walked, address = [], "/api/conversations?limit=2"
    while address:
        answer = api.get(address)
        walked += [item["sender_id"] for item in answer.json()]
        address = answer.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert walked == everything


@pytest.mark.parametrize(
    "query",
    ["colour=red", "limit=0", "limit=x", "limit=1&limit=2", "start=NaN", "start=1e999", "review_status=done",
     "sort_by_confidence=upwards", "maximumConfidence=2", "cursor=x", "text=%00", "in_training_data=true",
     "minimumUserMessages=" + "9" * 500],
)  # fmt: skip
def test_what_the_list_does_not_know_is_refused_by_name(api, conversations, query):
    answer = api.get(f"/api/conversations?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["details"]
    assert query.partition("=")[0] in answer.json()["message"]


def test_the_state_is_the_one_that_rasas_tracker_has(api, marked):
    state = api.ask("conversations/ann").json()
    assert state["sender_id"] == state["conversation_id"] == "ann"
    assert state["slots"] == {"city": {"a": [1]}}
    assert state["latest_message"]["intent"]["name"] == "goodbye"
    assert state["flagged_messages"] == [7.0]
    assert [event["event"] for event in state["events"]] == ["user", "bot", "action", "slot", "deep", "odd", "user"]
    assert "sender_id" not in state["events"][0]
    assert api.ask("conversations/ann", include_events="NONE").json()["events"] is None
    assert len(api.ask("conversations/ann", until=2).json()["events"]) == 2
    short = api.ask("conversations/ann", limit=2)
    assert (len(short.json()["events"]), short["X-Events-Omitted"]) == (2, "5")
    assert api.ask("conversations/ann", environment="production").status_code == 200
    assert api.ask("conversations/ann", environment="worker").status_code == 404


def test_what_is_no_json_is_still_readable(api, conversations):
    events = api.ask("conversations/ann/events").json()
    odd = next(event for event in events if event["event"] == "odd")
    assert (odd["x"], odd["y"], odd["z"]) == (None, None, "\ud800")
    assert next(event for event in events if event["event"] == "deep")["metadata"] == {"error": "nested too deeply"}


def test_events_and_messages_come_in_pages(api, marked):
    everything = api.ask("conversations/ann/events").json()
    assert [event["is_flagged"] for event in everything] == [False] * 6 + [True]
    first = api.ask("conversations/ann/events", limit=3)
    assert (first["X-Total-Count"], len(first.json())) == ("7", 3)
    rest = api.ask("conversations/ann/events", cursor=first["X-Next-Cursor"])
    assert first.json() + rest.json() == everything
    messages = api.ask("conversations/ann/messages", until=2.0).json()
    assert [(message["type"], message["text"]) for message in messages] == [("user", "hello\ud800"), ("bot", "hi")]


def test_the_history_may_be_left_out(api, db):
    from tests.rasa import message

    Conversation.objects.record(
        [said("before"), message(event="session_started", timestamp=2), replied("after", timestamp=3)]
    )
    assert len(api.ask("conversations/ann/events", use_history="false").json()) == 2


def test_a_message_is_flagged_and_unflagged(api, conversations):
    path = "conversations/ann/messages/7.0/flag"
    assert [api.send("PUT", path).status_code for _ in range(2)] == [204, 204]
    assert Flag.objects.get().event.timestamp == 7.0
    assert [api.send("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert api.send("PUT", "conversations/ann/messages/7.5/flag").status_code == 404
    assert api.send("PUT", "conversations/ann/messages/nan/flag").status_code == 404


def test_an_intent_is_corrected_and_the_correction_withdrawn(api, conversations):
    path = "conversations/ann/messages/7.0/intent"
    assert api.send("PUT", path, {"intent": "greet", "mapped_to": None}).status_code == 204
    assert Correction.objects.get().intent == "greet"
    assert api.send("PUT", path, {"intent": "say hi", "mapped_to": "greet_again"}).status_code == 204
    assert Correction.objects.get().intent == "greet_again"
    assert [api.send("DELETE", path).status_code for _ in range(2)] == [204, 404]
    assert api.send("PUT", "conversations/ann/messages/2.0/intent", {"intent": "greet"}).status_code == 404


def test_the_review_status_is_set(api, conversations):
    for status in ("reviewed", "saved_for_later", "unread"):
        assert api.send("PUT", "conversations/ann/reviewStatus", {"review_status": status}).status_code == 204
        assert api.ask("conversations", intent="goodbye").json()
    assert api.send("PUT", "conversations/ann/reviewStatus", {"review_status": "done"}).status_code == 400


def test_tags_are_put_on_listed_and_taken_off(api, bob, conversations):
    path = "conversations/ann/tags"
    answer = api.send("POST", path, [{"value": "billing", "color": "#123456"}, {"value": "a/b"}])
    assert {tag["value"]: tag["color"] for tag in answer.json()}["billing"] == "#123456"
    assert [tag["value"] for tag in api.ask(path).json()] == ["a/b", "billing"]
    assert [tag["conversations"] for tag in api.ask("conversationTags").json()] == [1, 1]
    assert [api.send("DELETE", f"{path}/a/b").status_code for _ in range(2)] == [204, 404]
    assert api.send("DELETE", f"{path}/{Tag.objects.get(facet__value='billing').pk}").status_code == 204
    bob.groups.first().permissions.remove(*bob.groups.first().permissions.filter(codename="add_tag"))
    assert Api(bob).send("POST", path, [{"value": "new"}]).status_code == 403
    assert Api(bob).send("POST", path, [{"value": "billing"}]).status_code == 200


def test_notes_and_the_assignee(api, bob, conversations):
    note = api.send("POST", "conversations/ann/notes", {"text": "Ask legal", "timestamp": 7.0}).json()
    assert (note["author"], note["timestamp"]) == ("alice", 7.0)
    assert Api(bob).send("DELETE", f"conversations/ann/notes/{note['id']}").status_code == 403
    assert api.send("DELETE", f"conversations/ann/notes/{note['id']}").status_code == 204
    assert api.ask("conversations/ann/notes").json() == []
    assert api.send("PUT", "conversations/ann/assignee", {"assignee": "bob"}).status_code == 204
    assert api.ask("conversations/ann/assignee").json() == {"assignee": "bob"}
    assert api.send("PUT", "conversations/ann/assignee", {"assignee": "nobody"}).status_code == 404
    assert api.send("PUT", "conversations/ann/assignee", {"assignee": None}).status_code == 204


def test_the_story_and_the_dump(api, conversations):
    story = api.ask("conversations/ann/story", until=2)
    assert story["Content-Type"] == "text/plain; charset=utf-8"
    assert "intent: greet" in story.content.decode()
    assert api.ask("conversations/ann/debug-dump.json").json()["tracker"]["sender_id"] == "ann"


@pytest.mark.parametrize("name", ["Intents", "Entities", "Actions", "Policies", "Slots", "Channels"])
def test_names_for_filters(api, conversations, name):
    names = api.ask(f"conversation{name}").json()
    assert names
    assert all(isinstance(each, str) for each in names)


def test_numbers(api, conversations):
    numbers = api.ask("statistics").json()
    assert numbers["conversations"] == Conversation.objects.count()
    assert numbers["events"] == Event.objects.count()
    assert numbers["intents"][0]["conversations"] == Facet.objects.filter(kind="intent").first().n_conversations
    bins = api.ask("analytics", start=0, end=100_000, window="hour").json()["bins"]
    assert [(each["start"], each["conversations"], each["user_messages"]) for each in bins] == [(0.0, 1, 2)]


def test_a_conversation_is_deleted_for_good(api, bob, conversations):
    Conversation.objects.record([said("soon gone", sender_id="gone")])
    assert Api(bob).send("DELETE", "conversations/gone").status_code == 403
    assert [api.send("DELETE", "conversations/gone").status_code for _ in range(2)] == [204, 404]
    Conversation.objects.record([said("soon gone", sender_id="gone")])
    assert not Conversation.objects.filter(sender_id="gone").exists()


@pytest.mark.parametrize("sender", ["a b", "users/1/x", "ünï/☃", "50%", "a?b#c", "line\nbreak", "x/events/y", "."])
def test_an_id_is_any_text(api, db, sender):
    from urllib.parse import quote

    Conversation.objects.record([said("hello", sender_id=sender), replied("hi", sender_id=sender)])
    path = f"conversations/{quote(sender, safe='')}"
    assert api.ask(path).json()["sender_id"] == sender
    first = api.ask(f"{path}/events", limit=1)
    rest = api.get(first["Link"].partition(">")[0].removeprefix("<http://testserver"))
    assert [event["text"] for event in first.json() + rest.json()] == ["hello", "hi"]
    assert api.send("PUT", f"{path}/messages/1.0/flag").status_code == 204


def test_a_list_costs_the_same_whatever_its_length(api, marked, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):  # four of them for what is not cached yet
        api.ask("conversations", text="hello", tags="billing")
    assert not AuditEntry.objects.filter(action="signed in").exists()
