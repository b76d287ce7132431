"""Views: saved, shared, counted; changed by their owners alone."""

import pytest

from events.models import Conversation
from rasax.accounts.models import AuditEntry
from rasax.conversations.models import SavedView
from tests.rasa import said


@pytest.fixture
def orders(bob):
    return SavedView.objects.save_as("Orders", "intent=order", bob)


def names(client):
    response = client.get("/conversations/")
    return [view.name for view in response.context["views"]]


def test_filters_are_saved_by_a_name_and_the_list_marks_the_view(signed_in, ann, ben):
    response = signed_in.post("/conversations/views/?intent=order&nonsense=1", {"name": " My   orders "})
    assert response["Location"] == "/conversations/?intent=order"
    view = SavedView.objects.get()
    assert (view.name, view.query, view.shared) == ("My orders", "intent=order", False)
    page = signed_in.get("/conversations/?intent=order")
    assert page.context["active"] == view
    assert AuditEntry.objects.exclude(action="signed in").get().action == "saved a view"


def test_a_name_that_is_used_already_shows_the_new_filters(signed_in, orders):
    signed_in.post("/conversations/views/?intent=track", {"name": "Orders"})
    assert SavedView.objects.get().query == "intent=track"


def test_a_view_without_a_name_is_not_saved(signed_in, db):
    signed_in.post("/conversations/views/?intent=order", {"name": " \x00 "})
    assert not SavedView.objects.exists()


def test_others_see_a_view_once_it_is_shared(client, alice, bob, orders, ann):
    client.force_login(alice)
    assert names(client) == []
    client.force_login(bob)
    client.post(f"/conversations/views/{orders.pk}/", {"action": "share"})
    client.force_login(alice)
    assert names(client) == ["Orders"]


def test_only_its_owner_changes_a_view(client, alice, orders):
    client.force_login(alice)
    address = f"/conversations/views/{orders.pk}/"
    assert client.post(address, {"action": "rename", "name": "Mine"}).status_code == 404
    SavedView.objects.update(shared=True)
    assert client.post(address, {"action": "rename", "name": "Mine"}).status_code == 403
    assert SavedView.objects.get().name == "Orders"


def test_who_changes_settings_may_delete_what_is_shared(client, alice, orders):
    SavedView.objects.update(shared=True)
    client.force_login(alice)
    client.post(f"/conversations/views/{orders.pk}/", {"action": "delete"})
    assert not SavedView.objects.exists()
    assert AuditEntry.objects.first().action == "deleted a view"


def test_an_owner_renames_updates_and_unshares(signed_in, bob, orders):
    SavedView.objects.save_as("Other", "", bob)
    address = f"/conversations/views/{orders.pk}/"
    signed_in.post(address, {"action": "rename", "name": "Other"})
    assert SavedView.objects.get(pk=orders.pk).name == "Orders"
    signed_in.post(address, {"action": "rename", "name": "Food"})
    signed_in.post(f"{address}?intent=track", {"action": "update"})
    signed_in.post(address, {"action": "share"})
    signed_in.post(address, {"action": "unshare"})
    view = SavedView.objects.get(pk=orders.pk)
    assert (view.name, view.query, view.shared) == ("Food", "intent=track", False)


def test_each_view_is_counted_in_one_request_up_to_a_thousand(signed_in, bob, orders, ann, ben):
    every = SavedView.objects.save_as("Every", "", bob)
    many = [said("hi", sender_id=f"s{n}", timestamp=1000 + n) for n in range(1010)]
    Conversation.objects.record(many[:1000])
    Conversation.objects.record(many[1000:])
    counts = signed_in.get("/conversations/views/counts/").json()
    assert counts == {str(orders.pk): "1", str(every.pk): "1,000+"}


def test_the_total_is_counted_up_to_a_thousand_or_exactly(signed_in, ann, ben):
    assert signed_in.get("/conversations/count/").json()["total"] == "2 conversations"
    assert signed_in.get("/conversations/count/?intent=order&exact=1").json()["count"] == 1
    assert signed_in.get("/conversations/count/?intent=nothing").json()["count"] == 0
