"""The client of Rasa's HTTP API, against a server that answers as Rasa 3.6.21 and 2.8.34 do."""

import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rasax.accounts.models import SigningKey
from rasax.deployment import answers
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.rasa import Rasa
from tests.servers.rasa_dialogue import HTTP, RECORDED

pytestmark = pytest.mark.once

NLU = 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hey\n'


@pytest.fixture
def client(rasa):
    with Rasa(rasa.url, "tok3n", timeout=2) as client:
        yield client


@pytest.fixture
def old_client(old_rasa):
    with Rasa(old_rasa.url, "tok3n", timeout=2) as client:
        yield client


@pytest.fixture(params=["3.6", "2.8"])
def either(request):
    """A client of either, and its server."""
    old = request.param == "2.8"
    client = request.getfixturevalue("old_client" if old else "client")
    return client, request.getfixturevalue("old_rasa" if old else "rasa")


def test_both_tell_their_version(either):
    client, rasa = either
    version = client.version()
    assert version.version == rasa.version
    assert version.minimum_compatible_version == ("2.8.9" if rasa.is_old else "3.6.21")


def test_both_tell_which_model_they_have(either):
    client, rasa = either
    status = client.status()
    assert (status.has_model, status.model_file) == (True, "20261122-lab.tar.gz")
    assert status.model_id == ("" if rasa.is_old else rasa.model_id)
    assert status.num_active_training_jobs == 0


def test_both_tell_that_they_have_none(either):
    """3.6 by 409, 2.8 by null."""
    client, _ = either
    client.unload()
    assert not client.status().has_model


def test_the_domain_comes_as_json(client):
    assert client.domain() == HTTP["domain json"]["body"]


def test_a_model_is_loaded_from_its_disk_or_refused_in_its_own_words(client, rasa):
    client.put_model(model_file="models/second.tar.gz")
    assert client.status().model_file == "second.tar.gz"
    with pytest.raises(RasaError) as raised:
        client.put_model(model_file="/nonexistent.tar.gz")
    assert raised.value.reason == Reason.REFUSED
    assert raised.value.words == "Agent with name '/nonexistent.tar.gz' could not be loaded."
    assert "could not be loaded" in str(raised.value)


def test_training_data_are_posted_as_yaml_and_answered_at_once(either):
    client, rasa = either
    client.train(NLU, "http://127.0.0.1:9/callback?secret=s", force=True)
    asked = rasa.asked[-1]
    assert asked.body.decode() == NLU
    assert asked.headers["content-type"] == "application/x-yaml"
    assert asked.query["callback_url"] == "http://127.0.0.1:9/callback?secret=s"
    assert asked.query["force_training"] == "true"
    assert asked.query["save_to_default_model_directory"] == "false"


def test_intents_are_tested_and_a_cross_validation_has_its_f1_score(client):
    assert client.test_intents(NLU).intents.f1_score == 0.9285714285714286
    crossed = client.test_intents(NLU, folds=2)
    assert crossed.intents.f1_score == 0.0
    assert len(crossed.intents.errors) == 8
    assert client.test_intents(NLU, folds=2, callback_url="http://127.0.0.1:9/") is None


@pytest.mark.parametrize("version", ["3.6", "2.8"])
def test_what_both_post_to_the_callback_of_a_test_is_read(version):
    body = RECORDED["callbacks"][version][0]["body"]
    found = answers.intent_test(body)
    assert found.intents.f1_score == body["intent_evaluation"]["report"]["weighted avg"]["f1-score"]


def test_one_fold_is_refused_in_rasa_s_own_words(client):
    with pytest.raises(RasaError, match="requires at least one train/test split"):
        client.test_intents(NLU, folds=1)


def test_stories_are_tested(client):
    tested = client.test_stories(NLU, e2e=True)
    assert (tested.accuracy, tested.f1, tested.is_end_to_end_evaluation) == (1.0, 1.0, True)
    assert tested.actions[0]["predicted"] == "utter_greet"


def test_a_text_is_parsed(either):
    client, _ = either
    parsed = client.parse("I want to fly from NYC to Rome")
    assert parsed.intent.name == "book_flight"
    assert [entity["role"] for entity in parsed.entities] == ["from", "to"]
    assert client.parse("hello").intent.name == "greet"


def test_a_conversation_is_read_changed_and_told_as_a_story(either):
    client, _ = either
    client.send_rest("ann", "hello", metadata={"from": "test"})
    tracker = client.tracker("ann", events="ALL")
    assert tracker["latest_message"]["text"] == "hello"
    events = [event["event"] for event in tracker["events"]]
    assert events == ["action", "session_started", "action", "user", "action", "bot", "action"]
    assert "utter_greet" in client.story("ann", all_sessions=True)
    client.append_events("ann", [{"event": "slot", "name": "city", "value": "Rome"}])
    assert client.tracker("ann")["events"][-1]["value"] == "Rome"
    client.replace_events("ann", tracker["events"][:3])
    assert len(client.tracker("ann")["events"]) == 3
    assert client.tracker("ann", events="NONE")["events"] is None


def test_the_next_action_is_predicted_and_executed(client):
    client.append_events("ann", [{"event": "user", "text": "hello", "parse_data": client_parse(client, "hello")}])
    prediction = client.predict("ann")
    assert (prediction.best.action, prediction.best.score) == ("utter_greet", 1.0)
    assert prediction.policy == "RulePolicy"
    executed = client.execute("ann", "utter_greet", policy="policy_0_X", confidence=0.98)
    assert executed.messages[0]["buttons"][0]["payload"] == "/affirm"
    assert executed.tracker["events"][-1]["event"] == "bot"


def client_parse(client, text):
    return {"text": text, "intent": {"name": client.parse(text).intent.name, "confidence": 1.0}, "entities": []}


def test_an_intent_is_triggered(client):
    executed = client.trigger_intent("ann", "greet", {"city": "Rome"})
    assert executed.messages[0]["text"] == "Hey! How are you?"
    assert any(event.get("text") == "EXTERNAL: greet" for event in executed.tracker["events"])


@pytest.mark.parametrize("ask", ["story", "predict"])
def test_an_unknown_conversation_is_unknown(client, ask):
    with pytest.raises(RasaError) as raised:
        getattr(client, ask)("nobody")
    assert (raised.value.reason, raised.value.words) == (Reason.UNKNOWN, "Conversation ID not found.")


def test_a_slash_in_a_conversation_s_id_stays_one_and_no_step_leads_out(client, rasa):
    client.tracker("whatsapp/49 1?token=x")
    assert rasa.asked[-1].path == "/conversations/whatsapp/49%201%3Ftoken%3Dx/tracker"
    before = len(rasa.asked)
    for hostile in ("..", "../../model", "a/../b", "."):
        with pytest.raises(RasaError):
            client.tracker(hostile)
    assert len(rasa.asked) == before


@pytest.fixture
def jwt(db):
    """Makes JWTs that the server trusts."""

    def make(**claims):
        return SigningKey.objects.current().sign({"exp": time.time() + 60, **claims})

    return make


@pytest.mark.django_db
def test_the_channel_rasa_takes_our_jwt(client, rasa, jwt):
    rasa.trusts(SigningKey.objects.current().public)
    assert client.send_rasa(jwt(username="me"), "hello")[0]["recipient_id"] == "me"
    may = jwt(username="me", scopes=["clientEvents:create"])
    said = client.send_rasa(may, "hello", conversation_id="other", metadata={"guest": True})
    assert said[0]["recipient_id"] == "other"
    assert "token" not in rasa.asked[-1].query
    with pytest.raises(RasaError) as raised:
        client.send_rasa(jwt(username="me"), "hello", conversation_id="other")
    assert raised.value.status == 401


@pytest.mark.django_db
def test_a_jwt_that_it_cannot_verify_breaks_it(client, rasa, jwt):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    rasa.trusts(other.public_bytes(serialization.Encoding.PEM, kind).decode())
    with pytest.raises(RasaError) as raised:
        client.send_rasa(jwt(username="me"), "hello")
    assert (raised.value.reason, raised.value.status) == (Reason.BROKEN, 500)


def test_a_wrong_token_is_told_and_never_shown(rasa, caplog):
    caplog.set_level("DEBUG")
    with Rasa(rasa.url, "wrong-s3cret", timeout=2) as client, pytest.raises(RasaError) as raised:
        client.status()
    assert raised.value.reason == Reason.TOKEN
    assert "wrong-s3cret" not in caplog.text + str(raised.value) + repr(raised.value)


FAULTS = {
    "slow": Reason.SLOW,
    "trickle": Reason.SLOW,
    "error": Reason.BROKEN,
    "html": Reason.NOT_RASA,
    "html error": Reason.BROKEN,
    "garbage": Reason.NOT_RASA,
    "endless": Reason.TOO_LARGE,
    "large": Reason.TOO_LARGE,
    "redirect": Reason.REDIRECT,
    "packed": Reason.NOT_RASA,
    "cut": Reason.NOT_RASA,
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_whatever_goes_wrong_is_one_error_with_a_reason(rasa, fault, reason):
    rasa.fails("/status", fault)
    began = time.monotonic()
    with Rasa(rasa.url, "tok3n", timeout=0.5, largest=10 * 2**20) as client, pytest.raises(RasaError) as raised:
        client.status()
    assert raised.value.reason == reason
    assert time.monotonic() - began < 3
    assert "tok3n" not in str(raised.value)


def test_its_own_words_are_kept(client, rasa):
    rasa.fails("/status", "error")
    with pytest.raises(RasaError, match="no room on disk"):
        client.status()


def test_a_client_goes_on_after_a_failure(client, rasa):
    rasa.fails("/status", "cut")
    with pytest.raises(RasaError):
        client.status()
    rasa.works()
    assert client.status().has_model


def test_one_that_is_down_is_unreachable(client, rasa):
    rasa.stop()
    with pytest.raises(RasaError) as raised:
        client.version()
    assert raised.value.reason == Reason.UNREACHABLE
