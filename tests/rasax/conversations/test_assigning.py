"""Who is to look at a conversation."""

import pytest

from events.models import Conversation, ConversationFacet, Facet
from rasax.accounts import people
from rasax.accounts.models import AuditEntry, User
from rasax.conversations.models import Assignment
from tests.rasa import said
from tests.rasax.conversations.conftest import read
from tests.together import at_once

SCRIPT = {"HX-Request": "true"}


def assignees():
    links = ConversationFacet.objects.filter(facet__kind="assignee").order_by("conversation_id")
    return list(links.values_list("facet__value", flat=True))


def test_it_is_taken_given_and_left_alone(signed_in, alice, bob, ann):
    address = f"/conversations/{ann.pk}/assign/"
    assert signed_in.post(address, {"assignee": bob.pk}).status_code == 303
    assert assignees() == [str(bob.pk)]
    assert "Assign to me" not in read(signed_in, f"/conversations/{ann.pk}/")
    panel = signed_in.post(address, {"assignee": alice.pk}, headers=SCRIPT).content.decode()
    assert "<bdi>alice</bdi>" in panel
    assert assignees() == [str(alice.pk)]
    signed_in.post(address, {"assignee": ""})
    assert assignees() == []
    assert not Assignment.objects.exists()
    entries = AuditEntry.objects.filter(action="assigned").order_by("id")
    assert [entry.detail["assignee"] for entry in entries] == ["bob", "alice", ""]


def test_only_who_may_read_conversations_can_be_chosen(signed_in, alice, carol, ann):
    form = read(signed_in, f"/conversations/{ann.pk}/assign/")
    assert ">alice<" in form
    assert ">carol<" not in form
    assert "<html" not in signed_in.get(f"/conversations/{ann.pk}/assign/", headers=SCRIPT).content.decode()
    assert signed_in.post(f"/conversations/{ann.pk}/assign/", {"assignee": carol.pk}).status_code == 404
    assert signed_in.post(f"/conversations/{ann.pk}/assign/", {"assignee": "9" * 30}).status_code == 404


def test_several_are_given_at_once_and_those_that_changed_are_counted(ann, ben, alice, bob):
    everything = Conversation.objects.all()
    assert Assignment.objects.assign(Conversation.objects.filter(pk=ann.pk), bob, alice) == 1
    assert Assignment.objects.assign(everything, bob, alice) == 1
    assert Assignment.objects.assign(everything, alice, bob) == 2
    assert Assignment.objects.assign(everything, None, bob) == 2
    assert Assignment.objects.assign(everything, None, bob) == 0
    assert set(Facet.objects.filter(kind="assignee").values_list("n_conversations", flat=True)) == {0}


@pytest.mark.django_db(transaction=True)
def test_people_who_take_the_same_ones_at_once_neither_wait_for_ever_nor_miscount(alice, bob):
    Conversation.objects.record([said("hello", sender_id=f"u{n}") for n in range(20)])

    def take(person):
        for _ in range(5):
            Assignment.objects.assign(Conversation.objects.all(), person, person)

    at_once(lambda: take(alice), lambda: take(bob), lambda: take(alice))
    assert len(assignees()) == Assignment.objects.count() == 20
    for facet in Facet.objects.filter(kind="assignee"):
        assert facet.n_conversations == assignees().count(facet.value)
        assert Assignment.objects.filter(assignee=int(facet.value)).count() == facet.n_conversations


def one_of_each(alice, bob):
    Conversation.objects.record([said("hello", sender_id=f"u{n}") for n in range(3)])
    first, *others = Conversation.objects.order_by("pk")
    Assignment.objects.assign(Conversation.objects.filter(pk=first.pk), alice, alice)
    Assignment.objects.assign(Conversation.objects.filter(pk__in=[each.pk for each in others]), bob, alice)


def test_with_an_account_its_assignments_counts_and_filter_go(alice, bob):
    one_of_each(alice, bob)
    people.delete(bob, alice)
    assert list(Facet.objects.filter(kind="assignee").values_list("value", "n_conversations")) == [(str(alice.pk), 1)]
    assert ConversationFacet.objects.filter(facet__kind="assignee").count() == Assignment.objects.count() == 1
    given_back = AuditEntry.objects.filter(action="assigned", user=alice, detail={"assignee": ""})
    assert given_back.count() == 2
    assert AuditEntry.objects.filter(action="deleted", user=alice, object_name="bob").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_is_deleted_while_it_is_given_more_and_nothing_is_left_over(alice, bob):
    one_of_each(alice, bob)

    def give_more():
        for person in (bob, alice) * 20:
            Assignment.objects.assign(Conversation.objects.all(), person, alice)

    at_once(give_more, give_more, lambda: people.delete(User.objects.get(pk=bob.pk), alice))
    assert Assignment.objects.assign(Conversation.objects.all(), bob, alice) == 0
    assert set(Facet.objects.filter(kind="assignee").values_list("value", "n_conversations")) == {(str(alice.pk), 3)}
    assert ConversationFacet.objects.filter(facet__kind="assignee").count() == Assignment.objects.count() == 3
