import pytest

from events.models import Conversation
from tests.rasa import message, replied, said

MOST_QUERIES = 6


def read(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def signed_in(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def ann(db):
    """A conversation of two turns."""
    Conversation.objects.record(
        [
            said("I would like a pizza", timestamp=100.0, intent="order", confidence=0.93, channel="telegram"),
            message("ann", "action", 100.1, name="utter_ask_size", policy="RulePolicy", confidence=1.0),
            replied("Which size?", timestamp=100.2),
            said("A large one", timestamp=110.0, intent="inform", confidence=0.41, channel="telegram"),
            message("ann", "slot", 110.1, name="size", value="large"),
            replied("Large it is.", timestamp=110.2),
        ]
    )
    return Conversation.objects.get(sender_id="ann")


@pytest.fixture
def ben(db):
    Conversation.objects.record([said("Where is my parcel?", sender_id="ben", timestamp=500.0, intent="track")])
    return Conversation.objects.get(sender_id="ben")
