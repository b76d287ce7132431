"""The API of chats: what a client of Rasa X asked, and guests' JWTs."""

import jwt
import pytest
from django.core.cache import cache
from django.utils import timezone

from rasax.accounts.models import SigningKey
from rasax.chat.models import Chat, GuestLink
from tests.rasax.api.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ID = "a-random-id-0123456789"


@pytest.fixture(autouse=True)
def unhurried(settings):
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = {"person": 10**6, "anonymous": 10**6, "auth": 10**6}


@pytest.fixture
def api(alice):
    return Api(alice)


def test_a_bot_is_spoken_to_and_a_chat_goes_on(server, carol, arrive):
    api = Api(carol)
    first = api.send("POST", "chat", {"message": "hello"}).json()
    assert first["messages"][0]["text"] == "Hey! How are you?"
    again = api.send("POST", "chat", {"message": "bye", "conversation_id": first["conversation_id"]}).json()
    assert again["conversation_id"] == first["conversation_id"]
    assert [chat["conversation_id"] for chat in api.ask("chat").json()] == [first["conversation_id"]]
    assert api.send("POST", "chat", {"message": "x", "conversation_id": "somebody's"}).status_code == 404
    assert arrive().stored > 5


def test_a_conversation_is_spoken_in_predicted_executed_and_given_events(server, api, rasa):
    said = api.send("POST", "conversations/ann/messages", {"message": "hello"})
    assert said.json()["messages"][0]["recipient_id"] == "ann"
    predicted = api.send("POST", "conversations/ann/predict").json()
    assert predicted["scores"][0]["action"] == "action_listen"
    done = api.send("POST", "conversations/ann/execute", {"name": "utter_greet", "confidence": 0.5}).json()
    assert done["messages"][0]["text"] == "Hey! How are you?"
    appended = api.send("POST", "conversations/ann/events", [{"event": "slot", "name": "city", "value": "Rome"}])
    assert appended.status_code == 200
    assert rasa.conversations["ann"][-1]["value"] == "Rome"
    assert api.send("PUT", "conversations/ann/events", [{"event": "restart", "timestamp": 1.0}]).status_code == 200
    assert rasa.conversations["ann"] == [{"event": "restart", "timestamp": 1.0}]


def test_what_rasa_refuses_is_told_as_our_own_errors(server, api, rasa):
    assert api.send("POST", "conversations/nobody/predict").status_code == 404
    assert api.send("POST", "conversations/ann/execute", {"name": "nope"}).status_code == 502
    assert api.send("POST", "conversations/ann/events", ["x"]).status_code == 400
    rasa.model = None
    assert api.send("POST", "conversations/ann/messages", {"message": "hello"}).status_code == 409
    rasa.stop()
    failure = api.send("POST", "conversations/ann/messages", {"message": "hello"})
    assert (failure.status_code, failure.json()["reason"]) == (502, "BadGateway")
    assert api.send("POST", "conversations/ann/predict", environment="nowhere").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat", {"message": "hello"}),
        ("conversations/ann/messages", {"message": "hello"}),
        ("conversations/ann/predict", None),
        ("conversations/ann/execute", {"name": "utter_greet"}),
        ("conversations/ann/events", []),
    ],
)
def test_without_a_server_there_is_one_clear_error(api, path, body):
    answer = api.send("POST", path, body)
    assert answer.status_code == 409
    assert "No Rasa server is configured" in answer.json()["message"]


def test_a_tester_speaks_in_their_own_conversations_only(server, carol, alice):
    own, others = Chat.objects.begin(server, carol), Chat.objects.begin(server, alice)
    api = Api(carol)
    assert api.send("POST", f"conversations/{own.sender_id}/messages", {"message": "hello"}).status_code == 200
    assert api.send("POST", f"conversations/{others.sender_id}/messages", {"message": "hello"}).status_code == 404
    assert api.send("POST", "conversations/ann/predict").status_code == 404
    assert api.send("PUT", "chatToken", {}).status_code == 403
    carol.groups.clear()
    assert api.send("POST", "chat", {"message": "hello"}).status_code == 403


def test_the_chat_token_is_made_changed_and_told(server, api):
    assert api.ask("chatToken").status_code == 404
    made = api.send("PUT", "chatToken", {"bot_name": "Ada", "description": "", "expires": 4_000_000_000.0}).json()
    assert (made["bot_name"], made["expires"]) == ("Ada", 4_000_000_000.0)
    chosen = "chosen-by-the-client-0123"
    changed = api.send("PUT", "chatToken", {"chat_token": chosen, "expires": None}).json()
    assert (changed["bot_name"], changed["chat_token"], changed["expires"]) == ("Ada", chosen, None)
    assert api.ask("chatToken").json() == changed
    assert GuestLink.objects.count() == 1
    assert api.send("PUT", "chatToken", {"chat_token": "short"}).status_code == 400


def test_a_guests_jwt_is_for_one_conversation(server, alice, rasa):
    link = GuestLink.objects.share(alice, name="Ada", server=server, limit=1)
    guest = Api()
    asked = {"conversation_id": ID, "chat_token": link.secret}
    token = guest.send("POST", "auth/jwt", asked).json()["jwt_token"]
    claims = jwt.decode(token, SigningKey.objects.current().public, algorithms=["RS256"])
    assert (claims["username"], claims["scopes"]) == (ID, [])
    assert Api().send("GET", "user", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert guest.send("POST", "auth/jwt", asked).status_code == 200  # once more: no use more
    assert guest.send("POST", "auth/jwt", {**asked, "conversation_id": f"{ID}2"}).status_code == 401
    with server.rasa() as client:
        assert client.send_rasa(token, "hello")[0]["recipient_id"] == ID


def test_a_guest_gets_no_jwt_for_what_is_somebody_elses(server, alice, conversations_of_others):
    link = GuestLink.objects.share(alice, name="Ada", server=server)
    guest = Api()
    for name in conversations_of_others:
        assert guest.send("POST", "auth/jwt", {"conversation_id": name, "chat_token": link.secret}).status_code == 409
    for wrong in ({"conversation_id": "short"}, {"conversation_id": "ann"}):
        assert guest.send("POST", "auth/jwt", {**wrong, "chat_token": link.secret}).status_code == 400
    assert guest.send("POST", "auth/jwt", {"conversation_id": ID, "chat_token": "wrong"}).status_code == 401
    GuestLink.objects.update(revoked_at=timezone.now())
    assert guest.send("POST", "auth/jwt", {"conversation_id": ID, "chat_token": link.secret}).status_code == 401


@pytest.fixture
def conversations_of_others(server, alice):
    from events.models import Conversation
    from tests.rasa import said

    Conversation.objects.record([said("hello", sender_id="somebody-elses-conversation")])
    return ["somebody-elses-conversation", Chat.objects.begin(server, alice).sender_id]
