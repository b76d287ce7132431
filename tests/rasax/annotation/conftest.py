import pytest

from events.models import Conversation
from rasax.annotation.models import InboxMessage
from tests.rasa import said


@pytest.fixture
def signed_in(client, bob):
    client.force_login(bob)
    return client


def keep(*messages):
    return Conversation.objects.record(messages)


def inbox():
    """What waits, by text."""
    return {row.text: row for row in InboxMessage.objects.filter(waiting=True)}


@pytest.fixture
def texts(db):
    """Three texts, of which one was said twice."""
    keep(
        said("where  is it", timestamp=10.0, intent="track", confidence=0.3),
        said("where is it", sender_id="ben", timestamp=20.0, intent="greet", confidence=0.2),
        said("hello there", timestamp=11.0, intent="greet", confidence=0.9),
        said("I want a pizza", timestamp=12.0, intent="order", confidence=0.5),
    )
    return inbox()
