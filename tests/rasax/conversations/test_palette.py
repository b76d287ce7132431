"""What Ctrl+K finds."""

import pytest

from rasax.conversations.models import SavedView, Tag


def found(client, words=""):
    groups = client.get("/palette/", {"q": words}).json()["groups"]
    return {group["label"]: [item["label"] for item in group["items"]] for group in groups}


def test_pages_that_the_person_may_open_come_first(client, alice, bob, carol):
    client.force_login(alice)
    assert "Audit log" in found(client)["Go to"]
    client.force_login(bob)
    assert "Conversations" in found(client)["Go to"]
    assert "Audit log" not in found(client)["Go to"]
    client.force_login(carol)
    assert "Conversations" not in found(client)["Go to"]


@pytest.mark.parametrize(("words", "senders"), [("ann", ["ann"]), ("an", ["ann"]), ("nn", []), ("a\x00nn", ["ann"])])
def test_a_conversation_is_found_by_how_its_sender_begins(signed_in, ann, ben, words, senders):
    listed = found(signed_in, words)["Conversations"]
    assert listed[1:] == senders
    assert listed[0].startswith("Search what was said: ")


def test_views_and_tags_are_found_by_a_part_of_their_name(signed_in, bob):
    SavedView.objects.save_as("Angry people", "tag=angry", bob)
    Tag.objects.called("angry")
    assert found(signed_in, "ngr")["Saved views"] == ["Angry people"]
    assert found(signed_in, "ngr")["Tags"] == ["angry"]


def test_a_tester_finds_no_conversation(client, carol, ann):
    client.force_login(carol)
    assert "Conversations" not in found(client, "ann")


def test_it_takes_three_queries_of_its_own(signed_in, ann, django_assert_max_num_queries):
    with django_assert_max_num_queries(3 + 3):
        found(signed_in, "ann")
