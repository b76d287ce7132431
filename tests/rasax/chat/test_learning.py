"""Interactive learning: predict, correct, execute, and save what came of it."""

import pytest

from events.models import Event
from rasax.chat.learning import read_annotated, step_of
from rasax.chat.models import Chat, LearnedStory
from rasax.conversations.models import Correction
from rasax.conversations.wording import percent

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_the_bot_waits_for_what_is_chosen(pages, chat, arrive, rasa):
    assert "Write what a user would say" in pages.get(f"/chat/{chat.pk}/learn/").content.decode()
    pages.post_there("act/", act="learn")
    pages.post_there("say/", text="hello")
    assert [event["event"] for event in rasa.conversations[chat.sender_id]][-1] == "user"
    chat.refresh_from_db()
    step = step_of(chat)
    assert (step.said, step.intent, step.listens) == ("hello", "greet", False)
    assert (step.actions[0].name, step.actions[0].sure) == ("utter_greet", percent(1.0))
    pages.post_there("learn/action/", action="utter_greet", policy=step.policy)
    assert step_of(chat).actions[0].name == "action_listen"
    pages.post_there("learn/action/", action="action_listen")
    assert step_of(chat).listens
    arrive()
    assert Event.objects.filter(type="bot").count() == 1


def test_a_corrected_message_is_said_anew_and_the_wrong_one_taken_back(pages, chat, arrive):
    pages.post_there("say/", text="to Rome")
    arrive()
    answer = pages.post_there(
        "learn/intent/", said="to [Rome](city)", intent="inform", was_said="to Rome", was_intent="out_of_scope"
    )
    assert answer.status_code == 204
    arrive()
    chat.refresh_from_db()
    assert chat.learns
    step = step_of(chat)
    assert (step.said, step.intent) == ("to [Rome](city)", "inform")
    pages.post_there("learn/action/", action="utter_greet")
    pages.post_there("learn/action/", action="action_listen")
    arrive()
    pages.post_there("save/", kind="test", name="Rome")
    test = LearnedStory.objects.get()
    assert (test.kind, test.name, test.by.username) == ("test", "Rome", "carol")
    assert "to [Rome](city)" in test.yaml
    assert "intent: inform" in test.yaml
    assert "out_of_scope" not in test.yaml


def test_the_same_steps_are_saved_once_whatever_they_are_called(pages, chat, arrive):
    assert pages.post(f"/chat/{chat.pk}/save/", {"kind": "test", "name": "empty"}).status_code == 302
    assert not LearnedStory.objects.exists()
    pages.post_there("say/", text="hello")
    arrive()
    for kind, name in (("test", "a"), ("test", "b"), ("story", "a")):
        pages.post(f"/chat/{chat.pk}/save/", {"kind": kind, "name": name})
    assert sorted(LearnedStory.objects.values_list("kind", "name")) == [("story", "a"), ("test", "a")]
    page = pages.get("/chat/stories/").content.decode()
    assert "The same steps are there already, as “a”" in page
    story = LearnedStory.objects.get(kind="story")
    assert pages.get(f"/chat/stories/{story.pk}.yml").content.decode() == story.yaml
    pages.post(f"/chat/stories/{story.pk}/delete/")
    assert LearnedStory.objects.count() == 1


def test_a_tester_sees_only_their_own_stories(pages, chat, arrive, bob, client):
    pages.post_there("say/", text="hello")
    arrive()
    pages.post(f"/chat/{chat.pk}/save/", {"kind": "test", "name": "of Carol"})
    LearnedStory.objects.update(by=bob)
    story = LearnedStory.objects.get()
    assert "of Carol" not in pages.get("/chat/stories/").content.decode().split("<h1>")[1]
    assert pages.get(f"/chat/stories/{story.pk}.yml").status_code == 404
    assert pages.post(f"/chat/stories/{story.pk}/delete/").status_code == 404
    client.force_login(bob)
    assert "of Carol" in client.get("/chat/stories/").content.decode()


def test_who_may_correct_conversations_leaves_their_word_on_the_message(client, server, bob, arrive):
    chat = Chat.objects.begin(server, bob)
    client.force_login(bob)
    script = {"HX-Request": "true"}
    client.post(f"/chat/{chat.pk}/say/", {"text": "hello"}, headers=script)
    arrive()
    same = {"said": "hello", "intent": "greet", "was_said": "hello", "was_intent": "greet"}
    client.post(f"/chat/{chat.pk}/learn/intent/", same, headers=script)
    assert Correction.objects.get().confirms
    client.post(f"/chat/{chat.pk}/learn/intent/", {**same, "intent": "bye"}, headers=script)
    assert Correction.objects.get().intent == "bye"


def test_an_unknown_action_is_told_in_rasas_words(pages, chat):
    pages.post_there("say/", text="hello")
    answer = pages.post_there("learn/action/", another="nope")
    assert answer.status_code == 502
    assert "not a registered action" in answer.content.decode()


def test_a_server_that_is_down_is_told_beside_the_chat(pages, chat, rasa):
    rasa.stop()
    assert "Nothing answers at this address" in pages.get(f"/chat/{chat.pk}/learn/").content.decode()


@pytest.mark.parametrize(
    ("said", "text", "entities"),
    [
        ("hello", "hello", []),
        ("to [Rome](city)!", "to Rome!", [{"start": 3, "end": 7, "value": "Rome", "entity": "city"}]),
        (
            '😀 [here]{"entity": "city", "role": "to", "value": "Köln"}',
            "😀 here",
            [{"start": 2, "end": 6, "value": "Köln", "entity": "city", "role": "to"}],
        ),
        ("[a](b) [c](d)", "a c", [
            {"start": 0, "end": 1, "value": "a", "entity": "b"}, {"start": 2, "end": 3, "value": "c", "entity": "d"},
        ]),
        ('[x]{"role": "y"} [', '[x]{"role": "y"} [', []),
        ("[x]{broken} [](y)", "[x]{broken} [](y)", []),
    ],
)  # fmt: skip
def test_entities_are_marked_as_in_training_data(said, text, entities):
    assert read_annotated(said) == (text, entities)
