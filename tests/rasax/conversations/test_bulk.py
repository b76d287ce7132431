"""What is done to many conversations at once, and undone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from events.models import Conversation, ConversationFacet, Facet, Forgotten
from rasax.accounts.models import AuditEntry, Job, User
from rasax.conversations import bulk_pages, changing
from rasax.conversations.models import Assignment, BulkChange, Review, Tag
from tests.rasa import said

SCRIPT = {"HX-Request": "true"}
ALL = "/conversations/marks/?intent=greet"


@pytest.fixture
def many(db):
    """Five conversations; the fifth has another intent."""
    for number in range(5):  # one by one, so that their ids have the order of their names
        intent = "greet" if number < 4 else "bye"
        Conversation.objects.record([said("hello", sender_id=f"p{number}", timestamp=100.0 + number, intent=intent)])
    return list(Conversation.objects.order_by("pk"))


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(changing, "CHUNK", 2)


def post(client, action, value="", address=ALL, **fields):
    return client.post(address, {"action": action, "value": value, **fields})


def pks(conversations):
    return [conversation.pk for conversation in conversations]


def tagged(name):
    links = ConversationFacet.objects.filter(facet__kind=Facet.Kind.TAG, facet__value=name)
    return sorted(links.values_list("conversation__sender_id", flat=True))


def statuses():
    return dict(Review.objects.order_by("pk").values_list("conversation__sender_id", "status"))


def undo(client, job):
    client.post(f"/jobs/{job.pk}/undo/")
    return Job.objects.filter(kind=changing.UNDO).latest("queued_at")


def test_all_that_match_are_tagged_and_the_tag_is_taken_off_those_that_had_it_not(signed_in, many, small_chunks):
    Tag.objects.called("billing").put_on(Conversation.objects.filter(pk=many[1].pk), None)
    response = signed_in.post(ALL, {"action": "tag", "value": " billing ", "all": "1"}, headers=SCRIPT)
    assert "Tagged 3 conversations “billing”." in response.content.decode()
    assert tagged("billing") == ["p0", "p1", "p2", "p3"]
    job = Job.objects.get()
    assert (job.state, job.done, job.total, job.changes.count()) == ("done", 4, 4, 3)
    page = signed_in.post(f"/jobs/{job.pk}/undo/", headers=SCRIPT).content.decode()
    assert "Undone in 3 conversations." in page
    assert tagged("billing") == ["p1"]
    assert Facet.objects.get(kind=Facet.Kind.TAG, value="billing").n_conversations == 1
    assert "/undo/" not in signed_in.get(f"/jobs/{job.pk}/").content.decode()
    assert not BulkChange.objects.exists()


def test_ticked_ones_are_changed_without_a_script_and_the_list_says_so(signed_in, many):
    response = post(signed_in, "tag", "billing", selected=pks(many[:2]))
    assert (response.status_code, response["Location"]) == (303, "/conversations/?intent=greet")
    assert "Tagged 2 conversations “billing”." in signed_in.get(response["Location"]).content.decode()
    post(signed_in, "untag", "billing", selected=pks(many[1:]))
    assert tagged("billing") == ["p0"]
    undo(signed_in, Job.objects.latest("queued_at"))
    assert tagged("billing") == ["p0", "p1"]


def test_undoing_a_review_leaves_what_others_reviewed_since(signed_in, many, alice, small_chunks):
    Review.objects.mark(Conversation.objects.filter(pk=many[0].pk), "saved_for_later", alice)
    post(signed_in, "status", "reviewed", all="1")
    assert set(statuses().values()) == {"reviewed"}
    one = Conversation.objects.filter(pk=many[1].pk)
    Review.objects.mark(one, "unread", alice)
    Review.objects.mark(one, "reviewed", alice)
    Review.objects.mark(Conversation.objects.filter(pk=many[2].pk), "saved_for_later", alice)
    undoing = undo(signed_in, Job.objects.get())
    assert undoing.line == "Undone in 2 conversations. 2 were changed since, and are left as they are."
    assert statuses() == {"p0": "saved_for_later", "p1": "reviewed", "p2": "saved_for_later", "p3": "unread"}
    assert Review.objects.get(conversation=many[3].pk).by.username == "bob"


def test_undoing_an_assignment_gives_each_back_to_whom_it_was(signed_in, many, alice, bob):
    Assignment.objects.assign(Conversation.objects.filter(pk=many[0].pk), alice, None)
    post(signed_in, "assign", str(bob.pk), all="1")
    assert Assignment.objects.filter(assignee=bob).count() == 4
    Assignment.objects.assign(Conversation.objects.filter(pk=many[1].pk), alice, alice)
    undo(signed_in, Job.objects.get())
    assert dict(Assignment.objects.values_list("conversation__sender_id", "assignee__username")) == {
        "p0": "alice",
        "p1": "alice",
    }
    post(signed_in, "assign", "", all="1")
    undo(signed_in, Job.objects.filter(kind=changing.CHANGE).latest("queued_at"))
    assert Assignment.objects.count() == 2


def test_every_conversation_has_it_in_its_history(signed_in, many):
    post(signed_in, "status", "reviewed", all="1")
    entries = AuditEntry.objects.filter(object_type="events.conversation", action="reviewed", user__username="bob")
    assert sorted(entries.values_list("object_name", flat=True)) == ["p0", "p1", "p2", "p3"]


class Killed(BaseException):
    """As if the worker's process had ended."""


def test_a_job_that_is_run_again_goes_on_and_keeps_what_others_did_since(many, alice, small_chunks, monkeypatch):
    tag = Tag.objects.called("billing")
    job = Job.objects.ask(changing.CHANGE, alice, action="tag", value="billing", pks=pks(many), query=None, reader=0)
    step = Job.step

    def die_in_the_second_chunk(self, done, total=None, /, **result):
        if done == 4:
            raise Killed
        step(self, done, total, **result)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Job, "step", die_in_the_second_chunk)
        Job.objects.run(job.pk)
    assert tagged("billing") == ["p0", "p1"]
    tag.take_off(Conversation.objects.filter(pk=many[0].pk), alice)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    Job.objects.sweep()
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.result["changed"], job.changes.count()) == ("done", 2, 5, 5)
    assert tagged("billing") == ["p1", "p2", "p3", "p4"]


def test_a_cancelled_change_can_be_undone_as_far_as_it_came(signed_in, many, alice, small_chunks, monkeypatch):
    job = Job.objects.ask(
        changing.CHANGE, alice, action="status", value="reviewed", pks=pks(many), query=None, reader=0
    )
    step = Job.step

    def cancel_after_the_first(self, done, total=None, /, **result):
        step(self, done, total, **result)
        if done == 2:
            Job.objects.get(pk=self.pk).cancel()

    with monkeypatch.context() as patched:
        patched.setattr(Job, "step", cancel_after_the_first)
        Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.line) == ("cancelled", "Reviewed: 2 conversations. 2 of 5 looked at.")
    assert job.undo(alice, at_once=True).line == "Undone in 2 conversations."
    assert set(statuses().values()) == {"unread"}


def test_many_are_left_to_a_worker(signed_in, many, monkeypatch):
    monkeypatch.setattr(bulk_pages, "AT_ONCE", 3)
    response = post(signed_in, "status", "reviewed", all="1")
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.state, statuses()) == ("queued", {})
    Job.objects.run(job.pk)
    assert len(statuses()) == 4


def test_me_in_a_filter_is_who_asked(signed_in, many, bob):
    Assignment.objects.assign(Conversation.objects.filter(pk=many[0].pk), bob, None)
    post(signed_in, "tag", "mine", "/conversations/marks/?assignee=me", all="1")
    assert tagged("mine") == ["p0"]


def test_deleting_for_good_takes_the_permission_and_is_not_undone(client, signed_in, many, alice):
    assert post(signed_in, "forget", all="1").status_code == 403
    client.force_login(alice)
    page = client.post(ALL, {"action": "forget", "all": "1"}, headers=SCRIPT).content.decode()
    assert "Deleted 4 conversations for good." in page
    assert "/undo/" not in page
    assert [conversation.sender_id for conversation in Conversation.objects.all()] == ["p4"]
    assert Forgotten.objects.count() == 4


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"action": "burn", "all": "1"}, 400, "There is no such change"),
        ({"action": "tag", "value": "x", "selected": ["1", "-1"]}, 400, "There are no such conversations"),
        ({"action": "tag", "value": "x", "selected": ["9" * 30]}, 400, "There are no such conversations"),
        ({"action": "tag", "value": "x"}, 303, "Select the conversations first."),
        ({"action": "tag", "value": " ", "all": "1"}, 303, "Say which tag, status or person"),
        ({"action": "status", "value": "asleep", "all": "1"}, 303, "Say which tag, status or person"),
        ({"action": "assign", "value": "999999", "all": "1"}, 303, "Say which tag, status or person"),
        ({"action": "assign", "value": "²", "all": "1"}, 303, "Say which tag, status or person"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(signed_in, many, fields, code, says):
    response = signed_in.post(ALL, fields)
    assert response.status_code == code
    page = response if code == 400 else signed_in.get(response["Location"])
    assert says in page.content.decode()
    assert says in signed_in.post(ALL, fields, headers=SCRIPT).content.decode()
    assert not Job.objects.exists()


def test_a_filter_that_is_not_understood_selects_nothing(signed_in, many):
    response = post(signed_in, "status", "reviewed", "/conversations/marks/?since=yesterday", all="1")
    assert (response.status_code, statuses()) == (400, {})
    nothing = post(signed_in, "status", "reviewed", "/conversations/marks/?intent=unheard", all="1")
    assert nothing.status_code == 303
    assert not Job.objects.exists()


def test_who_may_only_read_changes_nothing_and_makes_no_tag(client, many):
    reader = User.objects.create_user("dora")
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_conversation", "add_tag"]))
    client.force_login(reader)
    assert post(client, "tag", "new", all="1").status_code == 403
    assert not Tag.objects.exists()


def test_two_undo_at_once_and_one_does(signed_in, many, alice):
    post(signed_in, "status", "reviewed", all="1")
    job = Job.objects.get()
    assert job.undo(alice) is not None
    assert Job.objects.get(pk=job.pk).undo(alice) is None
