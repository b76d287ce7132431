"""The operators' pages: every model is there, stays fast, and can be changed only by the verbs of the domain."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.admin_lists import NewestPaginator
from events.brokers.base import Message
from events.models import BrokerPosition, Conversation, Event, Facet, Heartbeat, RejectedMessage
from rasax.accounts.models import AuditEntry, User
from rasax.conversations.models import Flag, Note, Review, Tag
from tests.everything import keep_everything, newest
from tests.rasa import message, recorded, replied, said

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
PAGE_QUERIES = 14  # session, user, permissions, the list, its count, and one for each filter menu
CONVERSATIONS = "admin:events_conversation_changelist"


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def kept(alice, bob):
    Conversation.objects.record([*recorded(), Message(b"not <b>JSON</b> \xff")], source="rabbitmq")
    return keep_everything(alice, bob)


@pytest.fixture
def desk(client, alice, kept):
    client.force_login(alice)
    return client


def act(client, action, *conversations, **fields):
    chosen = [conversation.pk for conversation in conversations]
    return client.post(
        reverse(CONVERSATIONS), {"action": action, "_selected_action": chosen, "index": 0, **fields}, follow=True
    )


def talk(sender_id="ann", start=1.0):
    Conversation.objects.record(
        [said("hello", sender_id=sender_id, timestamp=start), replied("hi", sender_id=sender_id, timestamp=start + 1)]
    )
    return Conversation.objects.get(sender_id=sender_id)


@pytest.mark.parametrize("app_label", ["events", "accounts", "conversations", "chat", "training", "annotation"])
def test_every_model_is_in_the_operators_pages(app_label):
    shown_with_others = {"events.ConversationFacet", "accounts.Area", "accounts.JobFile", "accounts.RoleOffer"}
    ours = set(apps.get_app_config(app_label).get_models())
    missing = {model._meta.label for model in ours if not admin.site.is_registered(model)}
    assert missing <= shown_with_others
    assert admin.site.is_registered(Group)


def test_a_list_and_a_page_of_each_model_are_shown(desk, django_assert_max_num_queries):
    for model in MODELS:
        with django_assert_max_num_queries(PAGE_QUERIES):
            assert desk.get(address(model, "changelist")).status_code == 200
        row = model._default_manager.first()
        with django_assert_max_num_queries(PAGE_QUERIES + 4):
            assert desk.get(address(model, "change", row.pk)).status_code == 200


def test_the_number_of_queries_does_not_follow_the_number_of_rows(desk):
    def queries(model):
        with CaptureQueriesContext(connection) as captured:
            desk.get(address(model, "changelist"))
        return len(captured)

    for model in MODELS:
        queries(model)  # content types and the like are remembered from here on
    few = {model: queries(model) for model in MODELS}
    for n in range(5):
        talk(f"more-{n}")
        Tag.objects.called(f"tag {n}").put_on(Conversation.objects.filter(sender_id=f"more-{n}"), by=None)
        User.objects.create_user(f"user-{n}").groups.add(Group.objects.get(name="tester"))
    assert {model: queries(model) for model in MODELS} == few


def test_every_list_can_be_searched_and_filtered(desk):
    for model in MODELS:
        page = desk.get(address(model, "changelist"), {"q": "a \"b' % 1"})
        assert page.status_code == 200, model
        for spec in page.context["cl"].filter_specs:
            for choice in spec.choices(page.context["cl"]):
                shown = desk.get(address(model, "changelist") + choice["query_string"])
                assert shown.status_code == 200, choice


INLINE = re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/json))|<style|<[a-z][^>]*\s(?:style|on[a-z]+)=", re.I)


@pytest.mark.once
def test_no_page_needs_what_the_content_security_policy_forbids(desk):
    for model in MODELS:
        row = model._default_manager.first()
        for page, args in (("changelist", []), ("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
            answer = desk.get(address(model, page, *args))
            assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
            assert not INLINE.search(answer.content.decode()), (model, page)


def test_a_list_counts_to_ten_thousand_and_says_so(desk, monkeypatch):
    monkeypatch.setattr("events.admin_lists.SHOWN_AT_MOST", 3)
    assert NewestPaginator(Event.objects.all(), 2).num_pages == 2
    assert "the first 3 events" in desk.get(address(Event, "changelist")).content.decode()


def shown(client, **query):
    return {row.sender_id for row in client.get(reverse(CONVERSATIONS), query).context["cl"].result_list}


def test_conversations_are_found_by_sender_prefix_and_words(desk):
    talk("customer-7", start=5.0)
    talk("customer-8", start=6.0)
    Conversation.objects.record([said("where is my unicorn", sender_id="other", timestamp=7.0)])
    assert shown(desk, q="customer-7") == {"customer-7"}
    assert shown(desk, q="customer-") == {"customer-7", "customer-8"}
    assert shown(desk, q="unicorn") == {"other"}


@pytest.mark.parametrize("few", [5000, 0], ids=["looked up", "walked"])
def test_conversations_are_filtered_by_facets_however_common(desk, monkeypatch, few):
    monkeypatch.setattr("events.admin_lists.FEW", few)
    tagged = Facet.objects.get(kind="tag", value="billing")
    assert len(shown(desk, tag=tagged.pk)) == 3
    assert len(shown(desk, review="unread")) == Conversation.objects.count() - 2
    assert len(shown(desk, review=Facet.objects.get(kind="review").pk)) == 2
    assert len(shown(desk, flag=Facet.objects.get(kind="flag").pk)) == 1
    assert shown(desk, tag="nonsense") == set()
    greeted = Event.objects.filter(text="hi there").values("conversation").distinct().count()
    assert len(shown(desk, q="hi there")) >= greeted


def test_a_tag_goes_on_and_off_by_action_with_audit_and_counts(desk, alice):
    ann, tag = talk("ann"), Tag.objects.called("billing")
    act(desk, "tag", ann, tag=tag.pk)
    assert Facet.objects.get(kind="tag").n_conversations == 4
    assert AuditEntry.objects.filter(user=alice, action="tagged", object_id=ann.pk).count() == 1
    act(desk, "untag", ann, tag=tag.pk)
    assert Facet.objects.get(kind="tag").n_conversations == 3


def test_a_tag_action_without_a_tag_asks_for_one(desk):
    assert "Choose the tag" in act(desk, "tag", talk()).content.decode()


@pytest.mark.parametrize(
    ("action", "status"),
    [("mark_reviewed", "reviewed"), ("save_for_later", "saved_for_later"), ("mark_unread", "unread")],
)
def test_conversations_are_reviewed_by_action(desk, alice, action, status):
    ann = talk()
    Review.objects.mark(Conversation.objects.filter(pk=ann.pk), "reviewed" if status != "reviewed" else "unread", alice)
    assert "1 conversation changed" in act(desk, action, ann).content.decode()
    assert Review.objects.get(conversation=ann).status == status


def test_the_latest_user_message_is_flagged_by_action(desk):
    Conversation.objects.record([said("first"), said("second", timestamp=3.0), replied("and so on", timestamp=4.0)])
    Conversation.objects.record([replied("hello?", sender_id="quiet")])
    ann, bot_only = (Conversation.objects.get(sender_id=name) for name in ("ann", "quiet"))
    act(desk, "flag", ann, bot_only)
    assert Flag.objects.get(conversation=ann).event.text == "second"
    assert not Flag.objects.filter(conversation=bot_only).exists()
    act(desk, "unflag", ann)
    assert not Flag.objects.filter(conversation=ann).exists()


def test_select_all_takes_no_more_than_the_list_says(desk, monkeypatch):
    monkeypatch.setattr("rasax.conversations.admin.SHOWN_AT_MOST", 2)
    act(desk, "save_for_later", *newest(1), select_across=1)
    saved = Review.objects.filter(status=Review.Status.SAVED_FOR_LATER)
    assert {review.conversation for review in saved} == set(newest(2))


def test_who_may_only_look_is_offered_no_action(client, bob, kept):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    client.force_login(viewer)
    reviewed = Review.objects.count()
    act(client, "mark_reviewed", *Conversation.objects.all())
    assert Review.objects.count() == reviewed


def test_an_event_is_shown_as_escaped_text_and_never_changed(desk):
    Conversation.objects.record([message("x", "slot", 1.0, name="s", value="<script>alert(1)</script> \ud800")])
    event = Event.objects.get(conversation__sender_id="x")
    page = desk.get(address(Event, "change", event.pk)).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert desk.post(address(Event, "change", event.pk), {"type": "bot"}).status_code == 403
    assert desk.post(address(Event, "delete", event.pk), {"post": "yes"}).status_code == 403
    assert desk.get(address(Event, "add")).status_code == 403


def test_events_of_one_conversation_are_listed_in_their_order(desk):
    ann = talk()
    Conversation.objects.record([said("sent late", timestamp=0.5)])
    page = desk.get(address(Event, "changelist"), {"conversation__id__exact": ann.pk})
    assert [event.text for event in page.context["cl"].result_list] == ["sent late", "hello", "hi"]


def test_event_types_are_looked_for_among_the_newest(desk, monkeypatch):
    talk()
    monkeypatch.setattr("events.admin_lists.NEWEST_EVENTS", 1)
    page = desk.get(address(Event, "changelist"), {"type": "user"})
    assert not page.context["cl"].result_list
    page = desk.get(address(Event, "changelist"), {"type": "bot"})
    assert len(page.context["cl"].result_list) == 1


def test_a_rejected_message_shows_its_bytes(desk):
    page = desk.get(address(RejectedMessage, "change", RejectedMessage.objects.get().pk)).content.decode()
    assert "not &lt;b&gt;JSON&lt;/b&gt; \\xff" in page


def test_rejected_messages_are_replayed_and_what_came_of_it_is_told(desk, alice):
    good = said("late", sender_id="late")
    row = RejectedMessage.objects.create(key="0" * 32, body=good.body, error="The database was full.")
    url = address(RejectedMessage, "changelist")
    chosen = list(RejectedMessage.objects.values_list("pk", flat=True))
    page = desk.post(url, {"action": "replay", "_selected_action": chosen}, follow=True).content.decode()
    assert "1 stored, 0 were there already, 1 rejected again." in page
    assert Conversation.objects.filter(sender_id="late").exists()
    assert AuditEntry.objects.filter(user=alice, action="replayed", object_id=row.pk).exists()
    assert LogEntry.objects.filter(user=alice, object_id=row.pk).exists()


@pytest.mark.parametrize("model", [RejectedMessage, Heartbeat, BrokerPosition], ids=lambda model: model.__name__)
def test_what_may_be_deleted_is_audited(desk, alice, model):
    row = model.objects.get()
    desk.post(address(model, "delete", row.pk), {"post": "yes"})
    desk.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert not model.objects.exists()
    assert AuditEntry.objects.filter(user=alice, action="deleted", object_id=row.pk).count() == 1


def test_a_conversation_cannot_be_deleted_here_for_its_facets_would_go_on_counting_it(desk):
    conversation = Conversation.objects.first()
    assert desk.post(address(Conversation, "delete", conversation.pk), {"post": "yes"}).status_code == 403
    act(desk, "delete_selected", conversation, post="yes")
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_a_tag_is_made_and_deleted_with_its_facet(desk, alice):
    desk.post(address(Tag, "add"), {"name": " refund ", "color": ""})
    tag = Tag.objects.get(facet__value="refund")
    again = desk.post(address(Tag, "add"), {"name": "refund", "color": "#123456"})
    assert "There is such a tag." in again.content.decode()
    tag.put_on(Conversation.objects.all(), by=alice)
    desk.post(address(Tag, "changelist"), {"action": "delete_selected", "_selected_action": [tag.pk], "post": "yes"})
    assert not Facet.objects.filter(value="refund").exists()
    assert AuditEntry.objects.filter(user=alice, action="deleted", object_name="refund").exists()


def test_a_tag_gets_another_colour(desk):
    tag = Tag.objects.called("billing")
    desk.post(address(Tag, "change", tag.pk), {"color": "#000000"})
    assert Tag.objects.get().color == "#000000"
    assert "Write it as" in desk.post(address(Tag, "change", tag.pk), {"color": "red"}).content.decode()


def test_a_note_is_withdrawn(desk, alice):
    desk.post(address(Note, "delete", Note.objects.get().pk), {"post": "yes"})
    assert not Note.objects.exists()
    assert AuditEntry.objects.filter(user=alice, action="deleted a note").count() == 1


def test_a_person_is_added_with_a_role_and_an_admin_may_enter(desk, alice):
    roles = Group.objects.filter(name="admin")
    password = {"password1": "a-very-long-word", "password2": "a-very-long-word", "usable_password": "true"}
    desk.post(address(User, "add"), {"username": "dora", **password, "groups": [roles[0].pk]})
    dora = User.objects.get(username="dora")
    assert dora.is_staff
    assert AuditEntry.objects.filter(user=alice, action="added", object_id=dora.pk).exists()
    assert not AuditEntry.objects.filter(detail__icontains="a-very-long-word").exists()


@pytest.mark.parametrize("page", ["delete", "changelist"])
def test_an_account_is_deleted_with_its_assignments_and_their_counts(desk, alice, bob, page):
    wanted = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
    url = address(User, page, bob.pk) if page == "delete" else address(User, page)
    assert "deleted" in desk.post(url, wanted, follow=True).content.decode()
    assert not User.objects.filter(pk=bob.pk).exists()
    assert not Facet.objects.filter(kind="assignee").exists()
    assert AuditEntry.objects.filter(user=alice, action="deleted", object_name="bob").count() == 1
    assert LogEntry.objects.filter(user=alice, object_repr="bob").count() == 1


@pytest.mark.parametrize("page", ["delete", "changelist"])
def test_of_several_accounts_one_that_stays_keeps_the_others(desk, alice, bob, page):
    wanted = {"action": "delete_selected", "_selected_action": [bob.pk, alice.pk], "post": "yes"}
    url = address(User, page, alice.pk) if page == "delete" else address(User, page)
    assert "Somebody else has to delete you." in desk.post(url, wanted, follow=True).content.decode()
    assert User.objects.filter(pk__in=[alice.pk, bob.pk]).count() == 2
    assert not LogEntry.objects.exists()
    assert not AuditEntry.objects.filter(action="deleted").exists()


def test_a_password_set_by_an_operator_is_audited_without_it(desk, alice, bob):
    url = reverse("admin:auth_user_password_change", args=[bob.pk])
    words = {"password1": "another-long-word", "password2": "another-long-word", "usable_password": "true"}
    assert desk.post(url, words).status_code == 302
    entry = AuditEntry.objects.get(user=alice, action="changed", object_id=bob.pk)
    assert "another-long-word" not in str(entry.detail)


def test_the_audit_log_is_never_changed(desk):
    entry = AuditEntry.objects.first()
    for page in ("change", "delete"):
        assert desk.post(address(AuditEntry, page, entry.pk), {"post": "yes"}).status_code == 403
    assert desk.get(address(AuditEntry, "add")).status_code == 403
