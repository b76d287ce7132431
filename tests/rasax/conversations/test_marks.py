import pytest

from events.models import Conversation, ConversationFacet
from rasax.accounts.models import AuditEntry
from rasax.conversations.models import Flag, Note, Review, Tag

SCRIPT = {"HX-Request": "true"}


def actions():
    on_conversations = AuditEntry.objects.filter(object_type="events.conversation")
    return list(on_conversations.order_by("id").values_list("username", "action"))


def has(conversation, kind, value):
    return ConversationFacet.objects.filter(conversation=conversation, facet__kind=kind, facet__value=value).exists()


def test_a_tag_is_made_put_on_and_taken_off(signed_in, ann):
    address = f"/conversations/{ann.pk}/tags/"
    back = f"/conversations/{ann.pk}/?intent=order"
    response = signed_in.post(address, {"tag": "  needs   training ", "back": back})
    assert (response.status_code, response["Location"]) == (303, back)
    tag = Tag.objects.get()
    assert str(tag) == "needs training"
    assert has(ann, "tag", "needs training")
    signed_in.post(address, {"tag": "needs training"})
    signed_in.post(f"{address}{tag.pk}/remove/")
    signed_in.post(f"{address}{tag.pk}/remove/")
    assert not has(ann, "tag", "needs training")
    assert actions() == [("bob", "tagged"), ("bob", "untagged")]


def test_only_who_may_add_tags_makes_a_new_one(client, bob, ann):
    from rasax.accounts.models import User

    reader = User.objects.create_user("dora")
    reader.user_permissions.set(
        permission
        for permission in bob.groups.get().permissions.all()
        if permission.codename in {"view_conversation", "annotate_conversation"}
    )
    Tag.objects.called("known")
    client.force_login(reader)
    client.post(f"/conversations/{ann.pk}/tags/", {"tag": "known"})
    page = client.post(f"/conversations/{ann.pk}/tags/", {"tag": "unknown"}, follow=True).content.decode()
    assert "There is no tag “unknown”" in page
    assert [str(tag) for tag in Tag.objects.all()] == ["known"]
    assert has(ann, "tag", "known")


def test_a_review_status_is_set_and_the_next_conversation_comes(signed_in, ann, ben):
    address = f"/conversations/{ben.pk}/review/"
    response = signed_in.post(f"{address}?status=unread", {"status": "reviewed", "then": "next"})
    assert response["Location"] == f"/conversations/{ann.pk}/?status=unread"
    assert Review.objects.get().status == "reviewed"
    signed_in.post(address, {"status": "saved_for_later"})
    assert has(ben, "review", "saved_for_later")
    signed_in.post(address, {"status": "unread"})
    assert not has(ben, "review", "saved_for_later")
    signed_in.post(address, {"status": "asleep"})
    assert [action for _, action in actions()] == ["reviewed"] * 3


def test_a_flag_says_which_state_it_wants(signed_in, ann):
    event = ann.events.first()
    address = f"/conversations/{ann.pk}/events/{event.pk}/flag/"
    for _ in range(2):
        response = signed_in.post(address, {"flagged": "1"})
    assert response["Location"] == f"/conversations/{ann.pk}/#e{event.pk}"
    assert Flag.objects.count() == 1
    for _ in range(2):
        signed_in.post(address, {"flagged": "0"})
    assert Flag.objects.count() == 0
    assert [action for _, action in actions()] == ["flagged", "unflagged"]


def test_the_last_message_of_the_user_is_flagged_from_the_list(signed_in, ann):
    signed_in.post(f"/conversations/{ann.pk}/flag-last/", headers=SCRIPT)
    assert Flag.objects.get().event.text == "A large one"


def test_a_note_sent_twice_is_written_once(signed_in, ann):
    address = f"/conversations/{ann.pk}/notes/"
    for _ in range(2):
        signed_in.post(address, {"text": "look at <b>this</b>\x00", "event": ann.events.first().pk})
    signed_in.post(address, {"text": "   "})
    note = Note.objects.get()
    assert note.text == "look at <b>this</b>"
    assert note.event == ann.events.first()
    assert "look at &lt;b&gt;this&lt;/b&gt;" in signed_in.get(f"/conversations/{ann.pk}/").content.decode()


def test_a_note_is_deleted_by_its_author_alone(client, signed_in, alice, bob, ann):
    note = Note.objects.write(ann, "mine", bob)
    others = Note.objects.write(ann, "hers", alice)
    assert signed_in.post(f"/conversations/{ann.pk}/notes/{others.pk}/delete/").status_code == 403
    for _ in range(2):
        assert signed_in.post(f"/conversations/{ann.pk}/notes/{note.pk}/delete/").status_code == 303
    assert [note.text for note in Note.objects.all()] == ["hers"]


def test_a_script_gets_the_panel_as_it_is_now(signed_in, ann):
    response = signed_in.post(f"/conversations/{ann.pk}/tags/", {"tag": "billing"}, headers=SCRIPT)
    panel = response.content.decode()
    assert panel.strip().startswith("<aside")
    assert "Take the tag billing off" in panel


def test_several_conversations_are_marked_at_once(signed_in, ann, ben):
    both = {"selected": [ann.pk, ben.pk]}
    response = signed_in.post("/conversations/marks/?intent=order", {**both, "action": "tag", "value": "billing"})
    assert response["Location"] == "/conversations/?intent=order"
    signed_in.post("/conversations/marks/", {**both, "action": "status", "value": "reviewed"})
    for conversation in (ann, ben):
        assert has(conversation, "tag", "billing")
        assert has(conversation, "review", "reviewed")
    assert sorted(actions()) == [("bob", "reviewed")] * 2 + [("bob", "tagged")] * 2


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(signed_in, ann, back):
    response = signed_in.post(f"/conversations/{ann.pk}/review/", {"status": "reviewed", "back": back})
    assert response["Location"] == f"/conversations/{ann.pk}/"


WRITES = ["tags/", "tags/1/remove/", "review/", "notes/", "notes/1/delete/", "events/1/flag/", "flag-last/"]


@pytest.mark.parametrize("part", WRITES)
def test_who_may_not_annotate_changes_nothing(client, carol, ann, part):
    from django.contrib.auth.models import Permission

    client.force_login(carol)
    assert client.post(f"/conversations/{ann.pk}/{part}").status_code == 403
    carol.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    body = {"tag": "x", "status": "reviewed", "text": "x", "flagged": "1", "selected": ann.pk, "action": "tag"}
    assert client.post(f"/conversations/{ann.pk}/{part}", body).status_code == 403
    assert client.post("/conversations/marks/", body).status_code == 403
    assert actions() == []


@pytest.mark.parametrize("part", [*WRITES])
def test_writing_takes_a_post_with_its_token(bob, ann, part):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.get(f"/conversations/{ann.pk}/{part}").status_code in {404, 405}
    refused = client.post(f"/conversations/{ann.pk}/{part}", {"status": "reviewed"})
    assert refused.status_code == 403
    assert "too old to be sent" in refused.content.decode()
    assert Conversation.objects.count() == 1
