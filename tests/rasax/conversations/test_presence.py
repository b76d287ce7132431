"""Who is reading a conversation right now."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Conversation, Notice
from rasax.conversations.models import Presence
from tests.rasa import said
from tests.rasax.conversations.conftest import read
from tests.together import at_once

SCRIPT = {"HX-Request": "true"}


def notices():
    return sum(
        1 for notice in Notice.objects.all() if any(topic.startswith("conversation:") for topic in notice.topics)
    )


def test_another_reader_is_named_until_they_leave(signed_in, alice, bob, ann):
    Presence.objects.arrive(ann, alice)
    Presence.objects.arrive(ann, bob)
    assert Presence.objects.others(ann, bob) == [alice]
    page = read(signed_in, f"/conversations/{ann.pk}/")
    assert "alice is here, too" in page
    assert "alice is here, too" in signed_in.get(f"/conversations/{ann.pk}/panel/", headers=SCRIPT).content.decode()
    Presence.objects.leave(ann, alice)
    assert "is here, too" not in read(signed_in, f"/conversations/{ann.pk}/")


def test_a_page_says_that_it_is_open_and_that_it_is_left(signed_in, bob, ann):
    address = f"/conversations/{ann.pk}/presence/"
    assert signed_in.post(address).status_code == 204
    assert Presence.objects.get().user == bob
    before = notices()
    signed_in.post(address)
    assert notices() == before  # nobody is told that somebody is still there
    signed_in.post(address, {"leaving": "1"})
    assert not Presence.objects.exists()
    assert notices() == before + 1
    assert signed_in.post("/conversations/987654/presence/").status_code == 404


def test_who_was_not_heard_of_for_long_is_gone_and_swept_away_by_the_next(alice, bob, ann, ben):
    Presence.objects.arrive(ann, alice)
    Presence.objects.update(seen_at=timezone.now() - timedelta(seconds=41))
    assert Presence.objects.others(ann, bob) == []
    Presence.objects.arrive(ben, bob)
    assert [reader.user for reader in Presence.objects.all()] == [bob]
    Presence.objects.arrive(ann, alice)
    assert Presence.objects.others(ann, bob) == [alice]


@pytest.mark.django_db(transaction=True)
def test_two_pages_of_one_person_may_open_while_the_conversation_is_deleted(alice):
    Conversation.objects.record([said("hello")])
    conversation = Conversation.objects.get()

    def visit():
        with suppress(Conversation.DoesNotExist):  # the page answers that it is not there
            for _ in range(5):
                Presence.objects.arrive(conversation, alice)
                Presence.objects.leave(conversation, alice)

    at_once(visit, visit, Conversation.objects.all().forget)
    assert not Conversation.objects.exists()
