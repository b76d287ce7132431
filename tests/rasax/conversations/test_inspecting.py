"""A conversation at one of its events, the bot's images, links to messages, and the place in the list."""

import re

import pytest
from ruamel.yaml import YAML

from events.models import Conversation
from rasax.conversations import replay
from tests.rasa import message, recorded, replied, said
from tests.rasax.conversations.conftest import read

SCRIPT = {"HX-Request": "true"}


def at(event):
    return f"/conversations/{event.conversation_id}/at/{event.pk}/"


def slots(event):
    found = replay.replay("ann", event_of(event)).slots
    return {slot.name: slot.value for slot in found if not slot.empty}


def event_of(event):
    from rasax.conversations.transcript import rows_of

    return rows_of(event.conversation_id).get(pk=event.pk)


def slot(name, value, timestamp):
    return message("ann", "slot", timestamp, name=name, value=value)


def test_slots_story_and_event_are_shown_as_they_were_at_the_point(signed_in, ann):
    before, after = ann.events.get(text="Which size?"), ann.events.get(text="Large it is.")
    assert "No slot was set up to here." in read(signed_in, at(before))
    page = read(signed_in, at(after))
    assert "<bdi>size</bdi>" in page
    assert "changed in this turn" in page
    assert "- intent: order" in page
    assert "- action: utter_ask_size" in page
    assert "&quot;text&quot;: &quot;Large it is.&quot;" in page
    assert "<html" not in signed_in.get(at(after), headers=SCRIPT).content.decode()


def test_the_story_and_the_test_are_files_that_can_be_read(signed_in, ann):
    event = ann.events.get(text="Large it is.")
    for kind in ("story", "test_story"):
        response = signed_in.get(f"{at(event)}{kind}.yml")
        assert f'filename="{kind}_{ann.pk}_{event.pk}.yml"' in response["Content-Disposition"]
        steps = YAML(typ="safe").load(response.content.decode())["stories"][0]["steps"]
        assert [step["intent"] for step in steps if "intent" in step] == ["order", "inform"]
        assert any("user" in step for step in steps) == (kind == "test_story")
    assert signed_in.get(f"{at(event)}x.yml").status_code == 404


def test_every_recorded_event_can_be_looked_at(signed_in):
    Conversation.objects.record(recorded())
    conversation = Conversation.objects.order_by("-n_events").first()
    for event in conversation.events.all()[:60]:
        assert signed_in.get(at(event), headers=SCRIPT).status_code == 200


def test_a_form_a_model_and_the_metadata_are_named(signed_in):
    metadata = {"model_id": "m7", "assistant_id": "pizza-bot"}
    events = [
        said("a", metadata=metadata),
        message("ann", "active_loop", 2.0, name="order_form"),
        replied("b", timestamp=3),
    ]
    Conversation.objects.record(events)
    page = read(signed_in, at(Conversation.objects.get().events.last()))
    for word in ("order_form", "m7", "pizza-bot"):
        assert f"<bdi>{word}</bdi>" in page


@pytest.fixture
def short_memory(monkeypatch):
    monkeypatch.setattr(replay, "MOST_EVENTS", 5)


def test_of_a_long_conversation_the_end_is_replayed_and_slots_of_before_still_count(signed_in, short_memory):
    talk = [said(f"{n}", timestamp=10.0 + n) for n in range(10)]
    Conversation.objects.record([slot("a", 1, 1.0), slot("b", 1, 2.0), slot("a", 2, 3.0), *talk, slot("b", 5, 30.0)])
    last = Conversation.objects.get().events.last()
    assert slots(last) == {"a": "2", "b": "5"}
    assert "only its latest events up to here were replayed" in read(signed_in, at(last))
    assert slots(Conversation.objects.get().events.get(timestamp=2.0)) == {"a": "1", "b": "1"}


@pytest.mark.parametrize("reset", ["restart", "session_started", "reset_slots"])
def test_slots_of_before_a_reset_do_not_count(db, short_memory, reset):
    talk = [said(f"{n}", timestamp=10.0 + n) for n in range(10)]
    Conversation.objects.record([slot("a", 1, 1.0), message("ann", reset, 2.0), slot("b", 1, 3.0), *talk])
    conversation = Conversation.objects.get()
    assert slots(conversation.events.last()) == {"b": "1"}
    Conversation.objects.record([message("ann", reset, 40.0), slot("c", 1, 41.0)])
    assert slots(conversation.events.last()) == {"c": "1"}


def test_a_look_takes_few_queries_however_long_the_conversation(signed_in, short_memory, django_assert_max_num_queries):
    Conversation.objects.record([slot(f"s{n}", n, 1.0 + n) for n in range(50)])
    event = Conversation.objects.get().events.last()
    signed_in.get(at(event))
    with django_assert_max_num_queries(8):
        assert signed_in.get(at(event), headers=SCRIPT).content.decode().count("<tr") == 51


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    ["x" * 300_000, "a\x00\ud83d", nested(200), nested(700), float("nan"), {"a": [None] * 5000},
     "<script>alert(1)</script>", "\u202e"],
    ids=["huge", "surrogate", "deep", "deeper", "nan", "wide", "script", "bidi"],
)  # fmt: skip
def test_a_value_may_be_anything(signed_in, value):
    Conversation.objects.record([slot("a", value, 1.0), message("ann", "bot", 2.0, text="hi", data={"custom": value})])
    conversation = Conversation.objects.get()
    assert signed_in.get(f"/conversations/{conversation.pk}/").status_code == 200
    for event in conversation.events.all():
        page = read(signed_in, at(event))
        assert "<script>alert" not in page
        assert len(page) < 120_000
        assert signed_in.get(f"{at(event)}story.yml").status_code == 200


def picture(address):
    Conversation.objects.record([message("ann", "bot", 1.0, text=None, data={"image": address})])
    event = Conversation.objects.get().events.get()
    return f"/conversations/{event.conversation_id}/events/{event.pk}/image/"


def test_an_image_has_a_page_that_may_fetch_from_its_server_alone(signed_in):
    response = signed_in.get(picture("https://example.org:8443/a/cat.png?x=1;script-src *"))
    policy = response["Content-Security-Policy"]
    assert "img-src https://example.org:8443;" in policy
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'self'" in policy
    assert policy.count("script-src") == 0
    assert (response["X-Frame-Options"], response["Referrer-Policy"]) == ("SAMEORIGIN", "no-referrer")
    assert signed_in.get("/conversations/")["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:image/png;base64,AA", "https://a.org;script-src *", "https://a.org, b", "https://*/x",
     "http://", "https://a b/", "//example.org/x", "file:///etc/passwd", "https://a.org\\@b/"],
)  # fmt: skip
def test_what_is_no_plain_web_address_has_none(signed_in, address):
    assert signed_in.get(picture(address)).status_code == 404


def test_links_find_a_message_by_number_and_by_sender_id(signed_in, ann):
    Conversation.objects.record([said("x", sender_id="4711"), said("y", sender_id="a/b c")])
    numeric, odd = Conversation.objects.get(sender_id="4711"), Conversation.objects.get(sender_id="a/b c")
    found = {
        f"{ann.pk}/100.0/": ann, "ann/100.0/": ann, "4711/1.0/": numeric, f"{numeric.pk}/1/": numeric,
        "a%2Fb%20c/1.0/": odd,
    }  # fmt: skip
    for link, conversation in found.items():
        location = signed_in.get(f"/conversations/{link}")["Location"]
        assert re.match(rf"/conversations/{conversation.pk}/\?at=[\d.]+#focus$", location)
    assert signed_in.get("/conversations/nobody/1.0/").status_code == 404


def test_the_place_in_the_list_is_counted_within_the_filters(signed_in, ann, ben):
    Conversation.objects.record([said("pizza", sender_id="cleo", timestamp=900.0, intent="order")])
    assert read(signed_in, f"/conversations/{ann.pk}/place/").strip() == "3 of 3"
    assert read(signed_in, f"/conversations/{ann.pk}/place/?intent=order").strip() == "2 of 2"
    assert read(signed_in, f"/conversations/{ann.pk}/place/?order=oldest").strip() == "1 of 3"
    assert read(signed_in, f"/conversations/{ben.pk}/place/?intent=nothing").strip() == ""


def test_deleting_says_what_goes_and_does_it(client, bob, alice, ann):
    client.force_login(bob)
    assert client.get(f"/conversations/{ann.pk}/forget/").status_code == 403
    assert "forget/" not in read(client, f"/conversations/{ann.pk}/")
    client.force_login(alice)
    assert f"/conversations/{ann.pk}/forget/?intent=order" in read(client, f"/conversations/{ann.pk}/?intent=order")
    page = read(client, f"/conversations/{ann.pk}/forget/?intent=order")
    assert "6 events" in page
    response = client.post(f"/conversations/{ann.pk}/forget/?intent=order", follow=True)
    assert response.redirect_chain == [("/conversations/?intent=order", 303)]
    assert "deleted for good" in response.content.decode()
    assert not Conversation.objects.exists()
