"""Talking to the bot: what is sent, and that only what arrived as an event is shown."""

import time

import jwt
import pytest
from django.utils import timezone

from events import live
from events.models import Conversation, ConversationFacet, Event, Facet, Heartbeat, Notice
from rasax.accounts.models import SigningKey
from rasax.chat import talking
from rasax.chat.models import Chat
from rasax.deployment.models import RasaServer
from tests.rasa import replied, said

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def shown(pages, chat, path="", **query):
    response = pages.get(f"/chat/{chat.pk}/{path}", query, headers={"HX-Request": "true"} if query or path else {})
    return response.content.decode()


def test_an_answer_is_shown_when_its_event_arrives_and_not_before(pages, chat, arrive):
    assert pages.post_there("say/", text="hello").status_code == 204
    assert "Hey! How are you?" not in shown(pages, chat)
    arrive()
    page = shown(pages, chat)
    assert "Hey! How are you?" in page
    assert 'value="/affirm"' in page  # a button that says its payload
    chat.refresh_from_db()
    assert (chat.channel, chat.conversation.sender_id) == ("rasa", chat.sender_id)


def test_the_jwt_is_good_for_this_conversation_and_needs_no_scope(pages, chat, rasa):
    pages.post_there("say/", text="hello")
    token = rasa.asked[-1].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, SigningKey.objects.current().public, algorithms=["RS256"])
    assert (claims["username"], claims["scopes"]) == (chat.sender_id, [])
    assert claims["exp"] - claims["iat"] == 300
    assert pages.get("/api/user", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_without_the_channel_rasa_it_goes_by_rest(pages, chat, rasa, arrive):
    rasa.channels = {"rest"}
    assert pages.post_there("say/", text="hello").status_code == 204
    arrive()
    chat.refresh_from_db()
    assert chat.channel == "rest"
    assert "Hey! How are you?" in shown(pages, chat)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rasa: rasa.channels.clear(), "neither the channel “rasa” nor “rest”"),
        (lambda rasa: rasa.trusts(), "credentials.yml must lead to /api"),
        (lambda rasa: rasa.stop(), "Nothing answers at this address"),
        (lambda rasa: rasa.fails("/webhooks", "html"), "not Rasa"),
        (lambda rasa: setattr(rasa, "model", None), "no model loaded"),
    ],
)
def test_what_goes_wrong_is_told_with_what_to_do(pages, chat, rasa, spoil, words):
    spoil(rasa)
    response = pages.post_there("say/", text="hello")
    assert response.status_code == 502
    assert words in response.content.decode()
    assert pages.post(f"/chat/{chat.pk}/say/", {"text": "hello"}, follow=True).content.decode().count(words) == 1


def test_when_nothing_comes_back_the_page_says_what_to_check(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    assert shown(pages, chat, "notice/").strip() == ""
    Chat.objects.update(asked_at=time.time() - 11)
    notice = shown(pages, chat, "notice/")
    assert "by its channel “rasa”" in notice
    assert "No event service has worked here lately" in notice
    assert "RASA_ENVIRONMENT" in notice
    now = timezone.now()
    Heartbeat.objects.create(name="host:1", started_at=now, beat_at=now)
    assert "An event service works here" in shown(pages, chat, "notice/")
    arrive()
    assert shown(pages, chat, "notice/").strip() == ""


def test_a_script_gets_only_what_is_new(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    arrive()
    last = Event.objects.latest("pk").pk
    address = f"/chat/{chat.pk}/"
    script = {"HX-Request": "true"}
    assert pages.get(address, {"after": last}, headers=script).status_code == 204
    pages.post_there("say/", text="bye")
    arrive()
    response = pages.get(address, {"after": last}, headers=script)
    assert response["Transcript"] == "append"
    assert "Hey! How are you?" not in response.content.decode()


def test_a_step_back_is_shown_as_taken_back_and_stays_on_record(pages, chat, arrive, rasa):
    pages.post_there("say/", text="hello")
    pages.post_there("say/", text="bye")
    arrive()
    last = Event.objects.latest("pk").pk
    assert pages.post_there("act/", act="back").status_code == 204
    assert [event["event"] for event in rasa.conversations[chat.sender_id][-2:]] == ["rewind", "action"]
    arrive()
    response = pages.get(f"/chat/{chat.pk}/", {"after": last}, headers={"HX-Request": "true"})
    assert response["Transcript"] == "replace"
    parts = response.content.decode().split("<li ")
    gone = [part for part in parts if "taken-back" in part]
    assert len(gone) == 2
    assert "bye" in gone[0]
    story = shown(pages, chat, "rail/").partition('id="story"')[2].partition("</pre>")[0]
    assert "utter_greet" in story
    assert "utter_goodbye" not in story
    # The next one goes before it.
    pages.post_there("act/", act="back")
    arrive()
    assert shown(pages, chat).count('taken-back"') == 4


def test_a_restart_begins_anew_and_takes_nothing_back(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    pages.post_there("act/", act="restart")
    arrive()
    page = shown(pages, chat)
    assert "Conversation restarted" in page
    assert "taken-back" not in page


def test_a_chat_is_its_persons_alone(pages, chat, client, bob):
    client.force_login(bob)
    for path in ("", "rail/", "notice/", "learn/", "at/1/", "events/1.json"):
        assert client.get(f"/chat/{chat.pk}/{path}").status_code == 404
    assert client.post(f"/chat/{chat.pk}/say/", {"text": "hello"}).status_code == 404


def test_who_sees_no_conversations_sees_the_rail_of_their_own(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    arrive()
    event = Event.objects.get(type="user")
    assert "greet" in shown(pages, chat, f"at/{event.pk}/")
    assert pages.get(f"/chat/{chat.pk}/at/{event.pk}/test_story.yml").status_code == 200
    assert pages.get(f"/chat/{chat.pk}/events/{event.pk}.json").json()["text"] == "hello"
    Conversation.objects.record([said("secret", sender_id="ann")])
    others = Event.objects.get(text="secret")
    assert pages.get(f"/chat/{chat.pk}/at/{others.pk}/").status_code == 404
    assert pages.get(f"/chat/{chat.pk}/events/{others.pk}.json").status_code == 404


def test_a_ticket_lets_hear_of_one_topic(chat):
    assert live.topic_of(chat.ticket) == chat.topic
    assert live.topic_of(chat.ticket + "x") is None
    assert live.topic_of("") is None


def test_new_events_are_told_to_the_chat(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    Notice.objects.all().delete()
    arrive()
    assert any(chat.topic in notice.topics for notice in Notice.objects.all())


def test_continuing_copies_what_was_said_up_to_there_into_a_new_conversation(client, server, rasa, bob, arrive):
    old = 1_700_000_000.0
    Conversation.objects.record(
        [said("hello", timestamp=old), replied("hi", timestamp=old + 1), said("bye", timestamp=old + 60)]
    )
    client.force_login(bob)
    at = Event.objects.get(text="hi")
    address = f"/chat/from/{at.conversation_id}/{at.pk}/"
    assert "production" in client.get(address).content.decode()
    assert client.post(address, {"server": server.pk}).status_code == 302
    chat = Chat.objects.get()
    events = rasa.conversations[chat.sender_id]
    assert [event["text"] for event in events] == ["hello", "hi"]
    assert events[0]["timestamp"] == pytest.approx(time.time() - 1, abs=20)
    assert events[1]["timestamp"] - events[0]["timestamp"] == pytest.approx(1)
    arrive()
    assert Event.objects.filter(conversation__sender_id="ann").count() == 3
    chat.refresh_from_db()
    assert (chat.continues.sender_id, chat.conversation.n_events) == ("ann", 2)


def test_a_conversation_that_is_forgotten_takes_its_chat_along(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    arrive()
    Conversation.objects.filter(sender_id=chat.sender_id).forget()
    assert not Chat.objects.exists()


def test_nobody_talks_without_the_right(client, chat, carol):
    carol.groups.clear()
    client.force_login(carol)
    for address in ("/chat/", f"/chat/{chat.pk}/", "/chat/stories/", "/chat/guests/"):
        assert client.get(address).status_code == 403
    assert client.post(f"/chat/{chat.pk}/say/", {"text": "hello"}).status_code == 403


def test_a_chat_begins_at_a_server_and_its_name_is_not_guessed(client, server, carol):
    client.force_login(carol)
    assert client.post("/chat/", {"server": server.pk}).status_code == 302
    assert client.post("/chat/", {"server": "999"}).status_code == 404
    chat = Chat.objects.get()
    assert chat.sender_id.startswith("chat-")
    assert len(chat.sender_id) > 30


def test_the_team_and_guests_are_told_apart_by_their_channel(pages, chat, arrive):
    pages.post_there("say/", text="hello")
    arrive()
    channel = Facet.objects.get(kind=Facet.Kind.CHANNEL)
    assert channel.value == "rasa"
    assert ConversationFacet.objects.filter(facet=channel).count() == 1


def test_what_is_said_is_text(pages, chat, arrive):
    pages.post_there("say/", text="<script>alert(1)</script>")
    arrive()
    assert "<script>alert" not in shown(pages, chat)


def test_hints_of_an_old_server(old_rasa, alice, carol):
    old_rasa.trusts(SigningKey.objects.current().public)
    server = RasaServer.objects.add(alice, name="old", url=old_rasa.url, token="tok3n")
    chat = Chat.objects.begin(server, carol)
    assert talking.send(chat, "hello")[0]["text"] == "Hey! How are you?"
