"""The list as a column beside a conversation, and the list's sidebar."""

from events.models import Conversation
from rasax.conversations.models import Assignment
from tests.rasa import message, said


def column(client, query):
    response = client.get(f"/conversations/?compact=1&{query}", headers={"HX-Request": "true"})
    return [(each.sender_id, each == response.context["current"]) for each in response.context["rows"]]


def test_the_column_shows_the_rows_around_a_conversation(signed_in, db):
    Conversation.objects.record([said("hi", sender_id=f"s{n:03}", timestamp=1000 + n) for n in range(100)])
    shown = column(signed_in, f"around={Conversation.objects.get(sender_id='s050').pk}")
    assert len(shown) == 41
    assert shown[20] == ("s050", True)
    assert [sender for sender, _ in shown] == [f"s{n:03}" for n in range(70, 29, -1)]


def test_links_of_the_column_keep_the_filters(signed_in, ann, ben):
    response = signed_in.get(f"/conversations/?compact=1&intent=order&around={ann.pk}", headers={"HX-Request": "true"})
    assert f'href="/conversations/{ann.pk}/?intent=order" aria-current="true"' in response.content.decode()
    assert column(signed_in, "intent=order&around=x") == [("ann", False)]
    assert column(signed_in, "intent=none_such&around=7") == []


def test_a_chosen_slot_offers_its_values(signed_in, ann):
    Conversation.objects.record([message("ann", "slot", 111.0, name="size", value="small")])
    menus = signed_in.get("/conversations/?slot=size").context["sidebar"].slot_values()
    assert [option.label for option in menus[0].options] == ['"large"', '"small"']
    assert signed_in.get("/conversations/").context["sidebar"].slot_values() == []


def test_whose_conversations_these_are_can_be_asked(signed_in, bob, ann, ben):
    Assignment.objects.assign(Conversation.objects.filter(pk=ann.pk), bob, bob)
    page = signed_in.get("/conversations/?assignee=me")
    assert [(row.sender, assignee) for row, assignee in page.context["rows"]] == [("ann", "bob")]
    assert page.context["chips"][0]["value"] == "me"
    assert "Remove the filter Assigned to me" in page.content.decode()


def test_an_order_is_no_filter_but_stays_in_the_links(signed_in, ann, ben):
    page = signed_in.get("/conversations/?order=oldest")
    assert [row.sender for row, _ in page.context["rows"]] == ["ann", "ben"]
    assert page.context["chips"] == []
    assert "?order=oldest" in page.content.decode()
