"""A conversation, up to any point, becomes a story or a test of the training data; the same steps once."""

import pytest
from django.urls import reverse

from events.models import Conversation, Event
from rasax.chat.models import LearnedStory
from rasax.conversations.models import Correction
from rasax.training.models import Block
from tests.rasa import message, replied, said
from tests.rasax.annotation.conftest import keep

pytestmark = pytest.mark.django_db
STORY = """\
- story: "a trip: to Rome"
  steps:
  - intent: book_trip
  - action: trip_form
  - active_loop: trip_form
  - slot_was_set:
    - requested_slot: city
  - intent: inform
    entities:
    - city: Rome
      role: to
  - slot_was_set:
    - city: Rome
  - active_loop: null
  - action: utter_done
"""


@pytest.fixture
def form(db):
    """Somebody who orders with a form, takes a message back, and is misunderstood once."""
    city = {"entity": "city", "start": 3, "end": 7, "value": "Rome", "role": "to"}
    keep(
        message(event="action", timestamp=1.0, name="action_session_start"),
        message(event="session_started", timestamp=1.1),
        said("nonsense", timestamp=2.0, intent="deny"),
        message(event="rewind", timestamp=2.5),
        said("I need a trip", timestamp=3.0, intent="greet"),
        message(event="action", timestamp=3.1, name="trip_form", policy="RulePolicy"),
        message(event="active_loop", timestamp=3.2, name="trip_form"),
        message(event="slot", timestamp=3.3, name="requested_slot", value="city"),
        replied("Where to?", timestamp=3.4),
        said("to Rome", timestamp=4.0, intent="inform", entities=[city]),
        message(event="slot", timestamp=4.1, name="city", value="Rome"),
        message(event="active_loop", timestamp=4.2, name=None),
        message(event="action", timestamp=4.3, name="utter_done", policy="RulePolicy"),
        said("bye", timestamp=5.0, intent="goodbye"),
    )
    return Conversation.objects.get()


def teach(client, conversation, event, **fields):
    place = reverse("teach_story", args=[conversation.pk, event.pk])
    shown = client.get(place, {"kind": fields.get("kind", "story")})
    assert shown.status_code == 200
    return client.post(place, fields, follow=True).content.decode()


def test_a_story_has_forms_slots_and_corrections_up_to_the_point(signed_in, form, bob):
    Correction.objects.correct(Event.objects.get(text="I need a trip"), "book_trip", bob)
    until = Event.objects.get(name="utter_done")
    assert "It is in the training data now" in teach(signed_in, form, until, kind="story", name="a trip: to Rome")
    block = Block.objects.get(kind="story")
    assert block.name == "a trip: to Rome"
    assert block.text == STORY
    assert "The same steps are there already" in teach(signed_in, form, until, kind="story", name="again")
    assert Block.objects.filter(kind="story").count() == 1


def test_a_test_has_what_the_user_wrote_and_another_point_is_another_story(signed_in, form):
    teach(signed_in, form, Event.objects.get(text="bye"), kind="test", name="whole")
    block = Block.objects.get(kind="test")
    assert block.file.path.startswith("tests/")
    assert '[Rome]{"entity": "city", "role": "to"}' in block.text
    teach(signed_in, form, Event.objects.get(name="utter_done"), kind="test", name="whole")
    assert Block.objects.filter(kind="test").count() == 2


def test_where_nothing_was_said_there_is_no_story(signed_in, form):
    page = teach(signed_in, form, Event.objects.get(type="session_started"), kind="story")
    assert not Block.objects.filter(kind="story").exists()
    assert "message-line error" in page


def test_what_a_chat_taught_goes_into_the_data_once(signed_in, form, bob):
    events = [{"event": "user", "text": "hi", "parse_data": {"intent": {"name": "greet"}}}]
    events += [{"event": "action", "name": "utter_greet"}]
    story, _ = LearnedStory.objects.learn("story", "greets", events, form, bob)
    assert "Put into the training data" in signed_in.get(reverse("learned_stories")).content.decode()
    place = reverse("teach_learned", args=[story.pk])
    assert "It is in the training data now, as “greets”" in signed_in.post(place, follow=True).content.decode()
    assert "The same steps are there already" in signed_in.post(place, follow=True).content.decode()
    assert Block.objects.get(kind="story").name == "greets"
